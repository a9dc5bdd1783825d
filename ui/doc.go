// Package ui is the workbench: a terminal program over engine.Engine.
//
// For now it has one page: containers and images on the left, the log of the
// chosen container on the right. The root model routes messages; feeds fold
// the engine's streams (ui/feed); widgets draw (ui/widgets); colours come from
// a theme (ui/styles).
//
// The invariant: Update never does I/O and View never changes anything. What
// reads or waits is a command.
package ui
