// Package themes reads colour themes: what each kind of thing on the screen
// looks like, by meaning and never by place. It knows nothing of terminals or
// of gantry; ui/styles turns a theme into styles.
//
// A theme is a TOML file of two tables, described in docs/themes.md. [palette]
// names colours, each with its value for 256 and for 16 colours; [tokens] says
// which of them a meaning has. A theme inherits what it does not say, at last
// from dark.toml, which says everything.
//
// The invariant: a theme that was loaded has a style for every token at every
// depth, whatever is wrong with its file.
package themes
