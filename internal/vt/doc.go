// Package vt runs a program on a pseudo-terminal and draws what it prints onto
// an emulated screen: tests press keys and look at cells as a user would,
// benchmarks measure until something can be read, and the pictures of the
// documentation are what is on that screen. It knows nothing of gantry.
//
//	keys ──> pty master ══ pty slave ──> the program
//	Screen <── emulator <── its output, counted
//	               └──> answers to its questions (background, attributes) ──> pty master
//
// The invariant: waiting is for a condition on the screen or for the end of the
// program, never for time to pass; whoever waits is woken by every piece of
// output.
package vt
