// Package widgets draws what every page is made of: bordered panes, columns
// and text that is safe to show. Widgets are pure functions of what they are
// given and know nothing of containers.
package widgets
