"""What reaches whom, and how loudly: push rules, unread counts, quiet hours, digests."""
