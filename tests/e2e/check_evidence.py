#!/usr/bin/env python3
"""Does bench/cuda/static_evidence.py find what it looks for? Compiles a convolution that keeps an array in local memory
and uses no tensor core, a kernel whose blocks may have any size, and a sound one, and expects the faults by name.

    tests/e2e/check_evidence.py TOOLKIT      folder with bin/nvcc and bin/cuobjdump (cmake/cuda_toolchain.sh prints it)
"""
import pathlib
import subprocess
import sys
import tempfile

SOURCE = """
__global__ void __launch_bounds__(64) conv_forward_kernel(float *p, int n) {
    float kept[256];
    for (int i = 0; i < 256; ++i) kept[i] = p[i * n];
    __syncthreads();
    p[threadIdx.x] = kept[(threadIdx.x ^ n) & 255];
}
__global__ void unbounded_kernel(float *p) { p[threadIdx.x] = 1.0f; }
__global__ void __launch_bounds__(64) sound_kernel(float4 *p) { p[threadIdx.x] = p[threadIdx.x + 64]; }
"""
TOOL = pathlib.Path(__file__).resolve().parents[2] / "bench/cuda/static_evidence.py"


def main():
    toolkit = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        source, fatbin, table = (pathlib.Path(folder, "kernels" + end) for end in (".cu", ".fatbin", ".md"))
        source.write_text(SOURCE)
        subprocess.run([toolkit / "bin/nvcc", "-fatbin", "-gencode=arch=compute_90,code=[sm_90,compute_90]", source, "-o", fatbin], check=True)
        run = subprocess.run([sys.executable, TOOL, fatbin, "--cuda", toolkit, "--out", table, "--check"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        faults = run.stderr.splitlines()
        assert run.returncode == 1, run
        assert len(faults) == 3, faults
        assert faults[0].startswith("conv_forward_kernel on sm_90 uses local memory: stack 1024, "), faults
        assert faults[1] == "conv_forward_kernel on sm_90 has no tensor-core instruction", faults
        assert faults[2].startswith("unbounded_kernel has no __launch_bounds__"), faults
        sound = [line for line in table.read_text().splitlines() if line.startswith("| `sound_kernel`")]
        assert len(sound) == 1 and "| 128 × 1 | – | 128 × 1 |" in sound[0], sound
    print("the faults were found")


if __name__ == "__main__":
    main()
