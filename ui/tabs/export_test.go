package tabs

// Moment is what @ reads.
var Moment = moment
