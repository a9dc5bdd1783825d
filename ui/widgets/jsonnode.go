package widgets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// JSONKind is what a JSON value is.
type JSONKind int

const (
	JSONString JSONKind = iota
	JSONNumber
	JSONWord // true, false, null
	JSONObject
	JSONArray
)

// JSONNode is one value of a document, in the order of the document.
type JSONNode struct {
	Key      string // the member's name as it is; "3" in an array; "" at the root
	Path     string // as jq writes it: .Config.Env[3]
	Kind     JSONKind
	Value    string // of a scalar, as it is: a string without quotes
	Mask     string // shown instead of Value until the tree reveals it
	Children []*JSONNode

	parent *JSONNode
	depth  int // 0 for the members of the root
	order  int // position in the document
	shown  string
	label  string
}

// maxJSONDepth keeps a hostile document from exhausting the stack and the
// width of every screen.
const maxJSONDepth = 200

// ParseJSON reads one JSON document.
func ParseJSON(b []byte) (*JSONNode, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	p := jsonParser{dec: dec}
	root, err := p.value(&JSONNode{depth: -1})
	if err != nil {
		return nil, fmt.Errorf("parse JSON: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("parse JSON: more follows after the end of the document")
	}
	return root, nil
}

type jsonParser struct {
	dec   *json.Decoder
	count int
}

// value reads what comes next into n, which knows its key and its place.
func (p *jsonParser) value(n *JSONNode) (*JSONNode, error) {
	n.order = p.count
	p.count++
	if n.depth > maxJSONDepth {
		return nil, fmt.Errorf("%s is nested too deeply", n.Path[:min(len(n.Path), 80)])
	}
	tok, err := p.dec.Token()
	if err != nil {
		return nil, err
	}
	switch v := tok.(type) {
	case json.Delim:
		n.Kind = JSONObject
		if v == '[' {
			n.Kind = JSONArray
		}
		return n, p.members(n)
	case string:
		n.Kind, n.Value = JSONString, v
	case json.Number:
		n.Kind, n.Value = JSONNumber, v.String()
	case bool:
		n.Kind, n.Value = JSONWord, strconv.FormatBool(v)
	default:
		n.Kind, n.Value = JSONWord, "null"
	}
	n.shown = Safe([]byte(n.literal()))
	return n, nil
}

// members reads up to and with the closing bracket.
func (p *jsonParser) members(n *JSONNode) error {
	for i := 0; p.dec.More(); i++ {
		child := &JSONNode{parent: n, depth: n.depth + 1}
		if n.Kind == JSONArray {
			child.Key = strconv.Itoa(i)
			child.label, child.Path = child.Key, n.Path+"["+child.Key+"]"
		} else {
			tok, err := p.dec.Token()
			if err != nil {
				return err
			}
			child.Key, _ = tok.(string)
			child.label, child.Path = Safe([]byte(child.Key)), n.Path+jqKey(child.Key)
		}
		if _, err := p.value(child); err != nil {
			return err
		}
		n.Children = append(n.Children, child)
	}
	_, err := p.dec.Token()
	return err
}

// jqKey is a member's step in a path; only identifiers go without quotes.
func jqKey(key string) string {
	for i, r := range key {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return "[" + quote(key) + "]"
		}
	}
	if key == "" {
		return `[""]`
	}
	return "." + key
}

// quote is a JSON string; <, > and & stay readable.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // a string always encodes
		return strconv.Quote(s)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (n *JSONNode) literal() string {
	if n.Kind == JSONString {
		return quote(n.Value)
	}
	return n.Value
}

// Branch tells whether there is something to fold.
func (n *JSONNode) Branch() bool { return len(n.Children) > 0 }

// Each calls f for the node and all below it, in the document's order.
func (n *JSONNode) Each(f func(*JSONNode)) {
	f(n)
	for _, c := range n.Children {
		c.Each(f)
	}
}

// Member finds a direct child by its key.
func (n *JSONNode) Member(key string) *JSONNode {
	for _, c := range n.Children {
		if c.Key == key {
			return c
		}
	}
	return nil
}

// Text is what a copy of the node holds: a scalar as it is, anything else as
// indented JSON.
func (n *JSONNode) Text() string {
	if n.Kind != JSONObject && n.Kind != JSONArray {
		return n.Value
	}
	var b strings.Builder
	n.write(&b, "")
	return b.String()
}

func (n *JSONNode) write(b *strings.Builder, indent string) {
	open, end := "{", "}"
	switch n.Kind {
	case JSONArray:
		open, end = "[", "]"
	case JSONObject:
	default:
		b.WriteString(n.literal())
		return
	}
	b.WriteString(open)
	for i, c := range n.Children {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n" + indent + "  ")
		if n.Kind == JSONObject {
			b.WriteString(quote(c.Key) + ": ")
		}
		c.write(b, indent+"  ")
	}
	if len(n.Children) > 0 {
		b.WriteString("\n" + indent)
	}
	b.WriteString(end)
}
