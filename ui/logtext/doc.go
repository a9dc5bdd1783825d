// Package logtext reads what lines of a log say: how grave they are, and where
// they hold what is searched for. It knows text only, neither containers nor
// screens, so that every view of logs finds the same things.
package logtext
