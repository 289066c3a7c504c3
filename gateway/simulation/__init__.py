"""What an access log's traffic would have been in other cache modes: replayed in memory."""
