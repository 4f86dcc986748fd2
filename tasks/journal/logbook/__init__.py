"""What a worker process does with its mails, in a file that outlives it, for whoever cleans up behind it."""
