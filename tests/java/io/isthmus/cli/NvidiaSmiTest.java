package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is made of the driver's tool, by tools that print what it prints. */
class NvidiaSmiTest {
  @TempDir Path folder;

  private String tool(String body) throws IOException {
    Path file = Files.writeString(folder.resolve("smi"), "#!/bin/sh\n" + body + "\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
    return file.toString();
  }

  @Test
  void everyGpuIsNamedWithItsMemory() throws IOException {
    String tool =
        tool(
            """
            echo '0, NVIDIA H200, 9.0, 143156 MiB, 143771 MiB, 580.65.06'
            echo '1, NVIDIA A100-SXM4-40GB, 8.0, 40000 MiB, 40960 MiB, 580.65.06'""");
    assertThat(NvidiaSmi.gpus(tool))
        .isEqualTo(
            "driver 580.65.06; GPU 0: NVIDIA H200, compute capability 9.0, 143156 MiB free of"
                + " 143771 MiB; GPU 1: NVIDIA A100-SXM4-40GB, compute capability 8.0, 40000 MiB free"
                + " of 40960 MiB");
  }

  @Test
  void aToolThatIsMissingOrFailsIsOneSentence() throws IOException {
    assertThatThrownBy(() -> NvidiaSmi.gpus(folder + "/nothing"))
        .hasMessage("there is no nvidia-smi in PATH: install the NVIDIA driver");
    String failing = tool("echo 'NVIDIA-SMI has failed because of the driver.'; exit 9");
    assertThatThrownBy(() -> NvidiaSmi.gpus(failing))
        .hasMessage(
            "nvidia-smi fails (NVIDIA-SMI has failed because of the driver.); repair the driver"
                + " first");
    assertThatThrownBy(() -> NvidiaSmi.gpus(tool("exit 0")))
        .hasMessageContaining("it says nothing");
  }

  @Test
  void cudnnIsFoundWhereTheEnvironmentSaysAndInPythonEnvironments() throws IOException {
    Path wheel =
        Files.createDirectories(
            folder.resolve("env/lib/python3.12/site-packages/nvidia/cudnn/lib"));
    Files.createFile(wheel.resolve("libcudnn.so.9"));
    assertThat(NvidiaSmi.cudnn(Map.of("VIRTUAL_ENV", folder + "/env")))
        .contains(wheel.resolve("libcudnn.so.9"));
    Path own = Files.createFile(folder.resolve("libcudnn.so.9"));
    assertThat(
            NvidiaSmi.cudnn(
                Map.of("LD_LIBRARY_PATH", "/nowhere:" + folder, "VIRTUAL_ENV", folder + "/env")))
        .contains(own);
  }
}
