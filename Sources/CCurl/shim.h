#pragma once
#include <curl/curl.h>

// libcurl takes options as variadic arguments, which Swift cannot pass.

static inline CURLcode idiolect_curl_set(CURL *curl, CURLoption option, long value) {
  return curl_easy_setopt(curl, option, value);
}

static inline CURLcode idiolect_curl_set_text(CURL *curl, CURLoption option, const char *value) {
  return curl_easy_setopt(curl, option, value);
}

static inline CURLcode idiolect_curl_set_headers(CURL *curl, struct curl_slist *headers) {
  return curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
}

/// Where errors are described: CURL_ERROR_SIZE bytes.
static inline CURLcode idiolect_curl_set_errors(CURL *curl, char *text) {
  return curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text);
}

static inline CURLcode idiolect_curl_set_writer(CURL *curl, curl_write_callback write, void *context) {
  const CURLcode code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, write);
  return code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_WRITEDATA, context) : code;
}

/// The status of the last answer; 0 before one.
static inline long idiolect_curl_status(CURL *curl) {
  long status = 0;
  return curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK ? status : 0;
}
