// Package svg draws a screen of internal/vt as a picture that looks the same
// wherever it is shown: what must meet its neighbours, which are borders, bars
// and braille, is drawn as shapes and not as text, and text is stretched to
// its cells, whatever monospaced font the viewer has.
//
// It is pure: the same screen makes the same bytes.
package svg
