"""The edge under measure: real Varnish and nginx that verify links, before real gateways."""
