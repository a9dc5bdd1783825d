// Package tabs holds the detail tabs of the workbench: what is shown of the
// container, image, volume or network that is chosen. Each tab is complete in
// itself; the root model decides which one is open, where it stands and which
// keys it gets.
//
// # Lifecycle
//
//	        Open(ctx, id)             its command's message
//	closed ---------------> waiting -----------------------> showing
//	   ^                       |                                |
//	   +-------- Close --------+------------- Close ------------+
//
// Open begins a new generation: a context and a token that every message of it
// carries. Close, and the next Open, end that context; an answer that comes
// later has a token that nobody knows any more, and is dropped.
//
// The invariant: a tab that is not open costs nothing. It has no goroutine, no
// timer and no open stream, and no command of it is under way for longer than
// the engine needs to notice that its context has ended.
package tabs
