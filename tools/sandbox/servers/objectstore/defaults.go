package main

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// withDefaults adds what the service says of a bucket whose owner left it out, and writes the location as the service does.
// Source: https://cloud.google.com/storage/docs/json_api/v1/buckets#resource
func withDefaults(wanted document) document {
	bucket := merge(document{
		"location":     "US",
		"storageClass": "STANDARD",
		"iamConfiguration": document{
			"uniformBucketLevelAccess": document{"enabled": false},
			"publicAccessPrevention":   "inherited",
		},
		"softDeletePolicy": document{"retentionDurationSeconds": "604800"},
	}, wanted)
	normalize(bucket)
	return bucket
}

// normalize writes a bucket's fields as the service does.
func normalize(bucket document) {
	if location, isText := bucket["location"].(string); isText {
		bucket["location"] = strings.ToUpper(location)
	}
	if iam, has := bucket["iamConfiguration"].(document); has {
		// The field's older name; the Google provider still reads it.
		iam["bucketPolicyOnly"] = iam["uniformBucketLevelAccess"]
	}
}

func locationType(location any) string {
	name, _ := location.(string)
	switch {
	case name == "US" || name == "EU" || name == "ASIA":
		return "multi-region"
	case strings.Contains(name, "-"):
		return "region"
	default:
		return "dual-region"
	}
}

func etag(generation int) string {
	return base64.StdEncoding.EncodeToString([]byte(strconv.Itoa(generation)))
}
