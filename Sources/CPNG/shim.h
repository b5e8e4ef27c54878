#pragma once
#include <png.h>

static inline void idiolect_png_begin(png_image *image, unsigned width, unsigned height) {
  *image = (png_image){.version = PNG_IMAGE_VERSION, .width = width, .height = height,
                       .format = PNG_FORMAT_RGB};
}
