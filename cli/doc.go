// Package cli is the command line: verbs, flags, output formats, exit codes
// and completion, with docker's names and meanings. It has no logic of its own
// beyond that: everything happens behind engine.Engine, which main passes in.
//
// Start cost is part of the contract (gantry ps ≤ 8 ms from exec to exit), so
// nothing is compiled or parsed before it is needed: no package-level regular
// expressions or templates, the engine is opened by the first verb that asks
// for it, and of the command tree only the verb that was typed is built.
//
// The invariant a newcomer would break: a verb returns errors, it never prints
// one and never exits. Main turns the error into the line, the hint and the
// exit code that the user gets.
package cli
