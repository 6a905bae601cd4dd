"""What a fix names as "a command of ours": an index that is written anew, an adapter out of a bare state dict."""
