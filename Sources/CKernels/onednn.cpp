#include "onednn.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

namespace {
thread_local char lastError[512] = "";

struct Scratch {
  void *data = nullptr;
  size_t size = 0;
};
Scratch buffers[ck::scratchSlots];
}  // namespace

namespace ck {

dnnl::engine &engine() {
  static dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

dnnl::stream &stream() {
  static dnnl::stream instance(engine());
  return instance;
}

dnnl::primitive_attr sharedScratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

dnnl::memory scratch(const dnnl::memory::desc &desc, int slot) {
  Scratch &scratch = buffers[slot];
  const size_t needed = desc.get_size();
  if (needed > scratch.size) {
    std::free(scratch.data);
    scratch.size = 0;
    const size_t rounded = (needed + needed / 4 + 4095) / 4096 * 4096;
    scratch.data = std::aligned_alloc(4096, rounded);
    if (!scratch.data) throw std::bad_alloc();
    scratch.size = rounded;
  }
  return dnnl::memory(desc, engine(), scratch.data);
}

bool has(dnnl::cpu_isa set) {
#if defined(__x86_64__)
  // An instruction set's bits include those of the sets it extends, also of sets named in later versions.
  const auto wanted = static_cast<unsigned>(set);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & wanted) == wanted;
#else
  return false;
#endif
}

bool hasFaultyTiles() {
  static const bool has = DNNL_VERSION_MAJOR < 3 && ck::has(dnnl::cpu_isa::avx512_core_amx);
  return has;
}

bool fail(const char *where, const char *what) {
  std::strncpy(lastError, where, sizeof(lastError) - 1);
  std::strncat(lastError, ": ", sizeof(lastError) - std::strlen(lastError) - 1);
  std::strncat(lastError, what, sizeof(lastError) - std::strlen(lastError) - 1);
  return false;
}

}  // namespace ck

const char *ck_last_error(void) { return lastError; }

bool ck_has_bfloat16(void) { return ck::has(dnnl::cpu_isa::avx512_core_bf16); }

const char *ck_library_version(void) {
  static char text[32] = "";
  const dnnl_version_t *version = dnnl_version();
  snprintf(text, sizeof text, "oneDNN %d.%d.%d", version->major, version->minor, version->patch);
  return text;
}
