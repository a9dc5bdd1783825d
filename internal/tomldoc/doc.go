// Package tomldoc holds TOML files against what they may say. config.toml and
// theme files are read with it.
//
// The text is decoded into plain maps and those are compared with the schema
// here, instead of decoding into structs: go-toml's strict mode ends at the
// first value of a wrong type.
//
// The invariant: one mistake never costs the rest of a file. Each is a Problem
// with its place and, for a wrong word, the nearest right one.
package tomldoc
