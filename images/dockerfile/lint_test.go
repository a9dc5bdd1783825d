package dockerfile_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"gantry/images"
	"gantry/images/build/plan"
	"gantry/images/dockerfile"
)

// foreign has images of another platform only.
func foreign(_ context.Context, ref images.Ref, _ images.Platform) (plan.Image, error) {
	return plan.Image{Ref: ref, File: images.ConfigFile{OS: "linux", Architecture: "s390x"}}, nil
}

// TestRules has every rule find what it is for, on its line.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		rule, text string
		line       int
	}{
		{"StageNameCasing", "FROM alpine AS Build", 1},
		{"FromAsCasing", "FROM alpine as build", 1},
		{"NoEmptyContinuation", "FROM alpine\nRUN a \\\n\n  b", 4},
		{"ConsistentInstructionCasing", "FROM alpine\nRUN a\nrun b", 3},
		{"DuplicateStageName", "FROM alpine AS a\nFROM alpine AS a", 2},
		{"ReservedStageName", "FROM alpine AS scratch", 1},
		{"JSONArgsRecommended", "FROM alpine\nCMD run", 2},
		{"MaintainerDeprecated", "FROM alpine\nMAINTAINER me", 2},
		{"UndefinedArgInFrom", "FROM alpine${TAG}", 1},
		{"WorkdirRelativePath", "FROM alpine\nWORKDIR app", 2},
		{"UndefinedVar", "FROM alpine\nCOPY $A /", 2},
		{"MultipleInstructionsDisallowed", "FROM alpine\nCMD [\"a\"]\nCMD [\"b\"]", 3},
		{"LegacyKeyValueFormat", "FROM alpine\nENV A b", 2},
		{"InvalidBaseImagePlatform", "FROM --platform=$BUILDPLATFORM foreign", 1},
		{"RedundantTargetPlatform", "FROM --platform=$TARGETPLATFORM alpine", 1},
		{"SecretsUsedInArgOrEnv", "FROM alpine\nARG API_KEY", 2},
		{"InvalidDefaultArgInFrom", "ARG A\nFROM alpine:$A", 2},
		{"FromPlatformFlagConstDisallowed", "FROM --platform=linux/amd64 alpine", 1},
		{"CopyIgnoredFile", "FROM alpine\nCOPY secret.txt /", 2},
		{"InvalidDefinitionDescription", "# check=experimental=all\n\n# other words\nFROM alpine AS a", 4},
		{"ExposeProtoCasing", "FROM alpine\nEXPOSE 80/TCP", 2},
		{"ExposeInvalidFormat", "FROM alpine\nEXPOSE 80:80", 2},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			find := resolve
			if strings.Contains(tc.text, "foreign") {
				find = foreign
			}
			f, err := dockerfile.Parse("Dockerfile", []byte(tc.text+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			opt := dockerfile.Options{BuildPlatform: amd64, Platform: amd64, Ignore: []string{"secret.txt"}}
			if tc.rule == "InvalidDefaultArgInFrom" {
				opt.BuildArgs = map[string]string{"A": "latest"}
			}
			found, err := f.Check(t.Context(), opt, find)
			if tc.rule != "UndefinedArgInFrom" && err != nil {
				t.Fatal(err)
			}
			for _, finding := range found {
				if finding.Rule != tc.rule {
					continue
				}
				if finding.At.Start.Line != tc.line || finding.Fix == "" || finding.Message == "" || len(finding.Lines) == 0 {
					t.Errorf("%+v", finding)
				}
				return
			}
			t.Errorf("not found among %+v", found)
		})
	}
}

func TestCheckDirective(t *testing.T) {
	t.Parallel()
	const text = "FROM alpine\nCMD run\n"
	p := must(t, "# check=skip=JSONArgsRecommended\n"+text, dockerfile.Options{})
	if len(p.Findings) != 0 {
		t.Errorf("skipped, and found %+v", p.Findings)
	}
	p = must(t, "FROM alpine\n# check=skip=all\nCMD run\n", dockerfile.Options{})
	if len(p.Findings) != 0 {
		t.Errorf("skipped for one instruction, and found %+v", p.Findings)
	}
	_, err := planned(t, "# check=error=true\n"+text, dockerfile.Options{})
	var found *images.FindingsError
	if !errors.As(err, &found) || len(found.Findings) != 1 {
		t.Fatalf("%v", err)
	}
	if want := "Dockerfile: lint violation found for rules: JSONArgsRecommended"; err.Error() != want {
		t.Errorf("%q", err)
	}
	p = must(t, "# check=error=true\n"+text, dockerfile.Options{BuildArgs: map[string]string{"BUILDKIT_DOCKERFILE_CHECK": "skip=all"}})
	if len(p.Findings) != 0 {
		t.Errorf("the argument does not count: %+v", p.Findings)
	}
}

// TestCheckLooksAtAllStages: also at those that the last one does not need.
func TestCheckLooksAtAllStages(t *testing.T) {
	t.Parallel()
	f, err := dockerfile.Parse("Dockerfile", []byte("FROM alpine AS a\nCMD run\nFROM alpine AS b\n"))
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]int{"": 1, "b": 0, "a": 1} {
		found, err := f.Check(t.Context(), dockerfile.Options{Target: target}, resolve)
		if err != nil || len(found) != want {
			t.Errorf("target %q: %+v, %v", target, found, err)
		}
	}
}
