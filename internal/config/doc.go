// Package config reads the user's configuration, config.toml. The schema is
// documented in docs/config.md, whose example a test reads.
//
// Every command reads it at its start, so that must cost nothing when there is
// no file: Load then only looks for one.
//
// The invariant: a mistake in the file never stops gantry. Each is reported as
// a Problem with its place and, for a wrong word, the nearest right one, and
// everything else in the file still counts.
package config
