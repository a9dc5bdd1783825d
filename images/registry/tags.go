package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"gantry/images"
)

// A registry could make the list endless.
const (
	maxTags    = 100_000
	maxTagPage = 4 << 20
)

// Tags lists the tags of a reference's repository, sorted.
func (c *Client) Tags(ctx context.Context, ref images.Ref) ([]string, error) {
	var tags []string
	err := c.each(ctx, ref, nil, func(s *session) error {
		var err error
		tags, err = s.tags(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list tags of %s: %w", ref.FamiliarName(), err)
	}
	return tags, nil
}

func (s *session) tags(ctx context.Context) ([]string, error) {
	var all []string
	for next := "tags/list?n=1000"; next != ""; {
		resp, err := s.get(ctx, next, "", nil, http.StatusOK)
		if err != nil {
			return nil, err
		}
		raw, err := s.readAll(ctx, resp.Body, maxTagPage, "")
		_ = resp.Body.Close()
		if err != nil {
			return nil, err
		}
		var page struct {
			Tags []string `json:"tags"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, s.fail(images.ErrCorrupt, "", "the answer of %s does not parse: %v", s.title, err)
		}
		if all = append(all, page.Tags...); len(all) > maxTags {
			return nil, s.fail(images.ErrHostile, "", "%s lists more than %d tags", s.title, maxTags)
		}
		// They become names in the index of images, which has to stay readable.
		for _, t := range page.Tags {
			if !images.ValidTag(t) {
				return nil, s.fail(images.ErrHostile, "", "%s lists %.80q, which cannot be a tag", s.title, t)
			}
		}
		asked := next
		if next = nextPage(resp.Header.Get("Link")); next == asked {
			return nil, s.fail(images.ErrHostile, "", "the list of tags of %s goes in circles", s.title)
		}
		if len(page.Tags) == 0 {
			break
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// nextPage reads the query of `<URL>; rel="next"` (distribution-spec, "Listing
// Tags"). Only the query: host and path are the ones asked before.
func nextPage(link string) string {
	target, rel, ok := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	if !ok || !strings.Contains(rel, "next") {
		return ""
	}
	u, err := url.Parse(target)
	if err != nil || u.RawQuery == "" {
		return ""
	}
	return "tags/list?" + u.RawQuery
}
