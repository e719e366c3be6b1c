/** The group of images to be cached. Source: knative.dev/caching pkg/apis/caching, as serving v0.42.2 requires it. */
export const cachingGroup = "caching.internal.knative.dev";
