// Package glyph names every sign that the workbench draws, and gives each a
// twin in ASCII for terminals and fonts that have no better.
//
// Code draws with the names below. Which set the user sees is decided at the
// very end: a finished screen goes through Set.Screen, so no widget needs to
// know of the choice and none can forget it.
//
// The invariant that makes this safe: every glyph and its twin are exactly one
// cell wide, so a screen has the same layout in both sets.
package glyph
