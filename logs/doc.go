// Package logs is the vocabulary of container output: entries, queries and the
// marks that say what happened to the container between two lines. It imports
// only the standard library, because the container monitor links it.
//
// logs/journal keeps entries on disk. Reading, merging and searching packages
// join it as their issues arrive; none of them imports engine/*.
package logs
