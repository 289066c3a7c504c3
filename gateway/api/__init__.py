"""The API: routes of applications, of browsers that claim, of hooks; and the page at `/`."""
