// Package lists is the list that containers, images and jobs are shown in:
// columns, order, filter, groups, marks, and where the cursor stands. It is
// pure: it reads no clock, no engine and no terminal; what a cell says, the
// page tells it by functions.
//
//	Set, Filter, OrderBy, Fold ──> rebuild: filter, sort, group ──> entries
//	Move, Click, Page ───────────> cursor and offset
//	View ────────────────────────> the visible entries only
//
// The invariants: the cursor and the marks belong to IDs, never to positions,
// so that they stay on what they were on whatever comes and goes; and a frame
// costs what is visible, however many rows there are: only a change of the
// items, the filter, the order or the folds looks at all of them.
package lists
