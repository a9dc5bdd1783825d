// Package dialogs holds the small windows over a page: a question (Confirm), a
// form of several fields (Form), a choice by typing (Pick), the palette, a sheet
// of things to tick (Sheet), a message, work in progress and its report (Work,
// Progress), the keys (Help).
//
// Keys make a new dialog, or end it with a Result on which the root model acts;
// a click is a press of the key of what it hits (Spot), so whatever can be done
// by the mouse can be done by a key. Dialogs do no I/O and know nothing of
// containers: what takes I/O, such as the completion of a path, they ask for
// (Form.Ask, Form.Follows) and are given later.
//
// The invariant: esc leaves, the safe answer is preselected, and nothing in a
// dialog is wider or higher than its room, down to 30 by 8 cells.
package dialogs
