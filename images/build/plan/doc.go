// Package plan is the vocabulary between the language of build files and the
// solver that runs them: what a build consists of, with every value known.
//
// A Dockerfile's semantics are static. Once the configurations of the images
// that it starts from are known, so are the arguments, environment, directory,
// user and mounts of every step; images/dockerfile computes them, images/build
// runs them. Nobody expands a variable or looks up a stage after that.
//
// The invariant: a Plan is complete and read-only. Stages refer to each other
// by their index in Plan.Stages, only to lower ones, so running the stages in
// order is always possible.
package plan
