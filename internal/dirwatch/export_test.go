package dirwatch

import "context"

// Poll is New where inotify's limits are reached.
func Poll(ctx context.Context, dir string, _ uint32) (*Watcher, error) { return newPolling(ctx, dir) }

var Scarce = scarce
