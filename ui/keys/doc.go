// Package keys is the registry of what can be done in the workbench. Each
// action stands in it once: its name, its default keys, where it applies,
// whether it asks first, and the command line that does the same. Keys, the
// footer, the menu, the palette, the help page and the printed key reference
// are made from it.
//
// It knows nothing of handlers: the root model has one per action, and for the
// actions of a tab it asks the tab (ui/tabs).
//
// The invariant: within what is in effect at one time (a scope, what it is within,
// the global one) a key means one thing. New refuses clashes in the defaults by panic,
// because they are a mistake of the program; Remap reports those of a user.
package keys
