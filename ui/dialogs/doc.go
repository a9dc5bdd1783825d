// Package dialogs holds the small windows over a page: a question, a choice, a
// line of text, a message, work in progress. A dialog is a value; keys make a
// new one or a result, on which the root model acts. Dialogs do no I/O and know
// nothing of containers.
package dialogs
