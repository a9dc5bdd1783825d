// Package themes holds colour themes: what each kind of text on the screen
// looks like, by meaning and never by place. It knows nothing of terminals or
// of gantry; ui/styles turns a theme into styles.
package themes
