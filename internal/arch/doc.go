// Package arch holds no code: its tests check the structure of the whole
// program, the directions of its imports above all (see ARCHITECTURE.md).
package arch
