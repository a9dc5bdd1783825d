package themes

// Token is a meaning that has a style.
type Token int

// The tokens, in the order of the documentation.
const (
	Page Token = iota
	Text
	Muted
	Accent
	Title
	Key
	Border
	Focus
	FocusTitle
	Backdrop
	Selected
	Marked
	OK
	Busy
	Warn
	Bad
	Match
	MatchHere
	LogError
	LogWarn
	LogInfo
	LogDebug
	Stderr
	Name
	String
	Number
	Word
	Punctuation
	Added
	Modified
	Removed
	Series1
	Series2
	Series3
	Limit
	Source1
	Source2
	Source3
	Source4
	Source5
	Source6
	Source7
	Source8
	tokens
)

// TokenInfo is what the documentation says of a token.
type TokenInfo struct{ Name, Group, About string }

var infos = [tokens]TokenInfo{
	Page:        {"page", "The page", "The terminal's own colours while gantry runs; most themes leave them alone"},
	Text:        {"text", "The page", "Most of the screen"},
	Muted:       {"muted", "The page", "Facts of second rank: units, ids, ages, separators"},
	Accent:      {"accent", "The page", "The one colour that draws the eye"},
	Title:       {"title", "The page", "Headings"},
	Key:         {"key", "The page", "The name of a key beside what it does"},
	Border:      {"border", "Panes", "Borders and rules"},
	Focus:       {"focus", "Panes", "The border of the pane that takes the keys"},
	FocusTitle:  {"focus-title", "Panes", "The title of that pane"},
	Backdrop:    {"backdrop", "Panes", "The page behind a dialog"},
	Selected:    {"selected", "Rows", "The row under the cursor; laid over what the row has already"},
	Marked:      {"marked", "Rows", "The sign of a marked row"},
	OK:          {"ok", "Status", "Running, healthy, done"},
	Busy:        {"busy", "Status", "On its way: starting, restarting, paused"},
	Warn:        {"warn", "Status", "Needs a look: near a limit, throttled"},
	Bad:         {"bad", "Status", "Failed, unhealthy, an error"},
	Match:       {"match", "Search", "What was found"},
	MatchHere:   {"match-here", "Search", "The find under the cursor"},
	LogError:    {"log-error", "Logs", "A line of level error or worse"},
	LogWarn:     {"log-warn", "Logs", "A line of level warning"},
	LogInfo:     {"log-info", "Logs", "A line of level info, or of none"},
	LogDebug:    {"log-debug", "Logs", "A line of level debug or trace"},
	Stderr:      {"stderr", "Logs", "The gutter of a line of standard error"},
	Name:        {"name", "Trees", "The name of a value, in inspect for instance"},
	String:      {"string", "Trees", "A text"},
	Number:      {"number", "Trees", "A number"},
	Word:        {"word", "Trees", "true, false and null"},
	Punctuation: {"punctuation", "Trees", "Brackets, colons, fold marks, indices"},
	Added:       {"added", "Changes", "Added by a layer, or only on the right of a comparison"},
	Modified:    {"modified", "Changes", "Modified"},
	Removed:     {"removed", "Changes", "Removed, or only on the left of a comparison"},
	Series1:     {"series-1", "Charts", "The first curve, and the only one where there is one"},
	Series2:     {"series-2", "Charts", "The second curve"},
	Series3:     {"series-3", "Charts", "The third curve"},
	Limit:       {"limit", "Charts", "The line of a limit"},
	Source1:     {"source-1", "Merged logs", "The gutter of the first source"},
	Source2:     {"source-2", "Merged logs", "The gutter of the second source"},
	Source3:     {"source-3", "Merged logs", "The gutter of the third source"},
	Source4:     {"source-4", "Merged logs", "The gutter of the fourth source"},
	Source5:     {"source-5", "Merged logs", "The gutter of the fifth source"},
	Source6:     {"source-6", "Merged logs", "The gutter of the sixth source"},
	Source7:     {"source-7", "Merged logs", "The gutter of the seventh source"},
	Source8:     {"source-8", "Merged logs", "The gutter of the eighth source; the ninth begins again"},
}

// Tokens are all tokens in their order.
func Tokens() []Token {
	all := make([]Token, tokens)
	for i := range all {
		all[i] = Token(i)
	}
	return all
}

// Info is what the documentation says of a token.
func (t Token) Info() TokenInfo { return infos[t] }

func (t Token) String() string { return infos[t].Name }
