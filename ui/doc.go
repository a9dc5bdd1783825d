// Package ui is the workbench: a terminal program over engine.Engine.
//
// It has one page of panes: lists at the left (containers, images, volumes,
// networks, and jobs while there are any), what is chosen in them beside
// (ui/tabs), and on wide screens the log in a column of its own. The root model only routes: keys
// through the registry of actions (ui/keys), the mouse to what is under it,
// messages to what they are for. Feeds fold the engine's streams (ui/feed),
// lists keep order and place (ui/lists), widgets draw (ui/widgets), colours
// come from a theme (ui/styles).
//
//	layout.go   where the panes stand, a pure function of size and focus
//	update.go   routing          mouse.go   the same for the mouse
//	view.go     the screen       memo.go    panes that have not changed
//	load.go     what rows and host use        pace.go   rest
//
// The invariants: Update never does I/O; what reads or waits is a command. View
// changes nothing but the memo of what it drew. And nothing moves by itself
// while nothing happens: whoever adds a timer stops it when what it is for is
// not on the screen.
package ui
