package names

// The words are friendly or neutral in every common reading, at most ten letters
// long, and no two of a list are easily taken for each other.

var adjectives = [...]string{
	"able", "agile", "amber", "ample", "ardent", "autumn", "bold", "bonny", "brave", "breezy",
	"bright", "brisk", "calm", "candid", "cheery", "civil", "clear", "clever", "coastal", "cobalt",
	"cordial", "cosy", "crisp", "curious", "dapper", "daring", "deft", "dewy", "eager", "early",
	"earnest", "easy", "even", "fair", "faithful", "fearless", "fine", "fleet", "fond", "frank",
	"free", "fresh", "frosty", "gentle", "gifted", "glad", "golden", "graceful", "grand", "hale",
	"handy", "happy", "hardy", "hazel", "hearty", "honest", "humble", "ivory", "jolly", "jovial",
	"keen", "kind", "lively", "loyal", "lucid", "lucky", "lunar", "mellow", "merry", "mild", "misty",
	"modest", "neat", "nimble", "noble", "patient", "placid", "plucky", "polite", "prime", "proud",
	"quick", "quiet", "ready", "rosy", "rustic", "sage", "serene", "sharp", "silver", "sincere",
	"sleek", "snug", "solar", "spry", "steady", "stellar", "sturdy", "sunny", "swift", "tidy",
	"tranquil", "trusty", "upbeat", "valiant", "velvet", "vivid", "warm", "willing", "winter", "wise",
	"witty", "young", "zesty",
}

// Animals, trees, and what is found in harbours and along coasts.
var nouns = [...]string{
	"albatross", "alder", "anchor", "anvil", "aspen", "badger", "barge", "beacon", "beaver",
	"birch", "bison", "brook", "buoy", "canyon", "capstan", "cedar", "clipper", "comet",
	"compass", "condor", "coral", "cove", "crane", "cricket", "curlew", "cypress", "delta", "dolphin",
	"dory", "dove", "eagle", "egret", "elk", "elm", "falcon", "fern", "ferry", "finch",
	"fjord", "fox", "galley", "gannet", "garnet", "girder", "glacier", "grove", "gull", "harbour",
	"hare", "harrier", "hawk", "hazelnut", "heron", "hoist", "ibis", "inlet", "isle", "jetty",
	"juniper", "kayak", "keel", "kestrel", "kite", "lagoon", "lantern", "lark", "lever", "linnet",
	"lynx", "magpie", "maple", "marlin", "marten", "meadow", "merlin", "moose", "oak", "oriole",
	"osprey", "otter", "owl", "pebble", "pelican", "pier", "pine", "plover", "puffin", "pulley",
	"quay", "raven", "reef", "ridge", "robin", "rudder", "sail", "schooner", "sextant", "skiff",
	"sloop", "sparrow", "spruce", "stork", "swan", "tern", "thistle", "tiller", "tugboat", "walnut",
	"walrus", "wharf", "willow", "winch", "wren",
}
