package demo

// WriteRoot is for tests.
var WriteRoot = writeRoot
