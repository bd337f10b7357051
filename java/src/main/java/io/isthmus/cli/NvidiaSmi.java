package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * What the NVIDIA driver's own tool tells of the GPUs, whether or not the engine can use them, and
 * where cuDNN lies.
 */
final class NvidiaSmi {
  private static final long TIMEOUT_SECONDS = 20;
  private static final String CUDNN = "libcudnn.so.9";
  private static final String FIELDS =
      "index,name,compute_cap,memory.free,memory.total,driver_version";

  private NvidiaSmi() {}

  /**
   * One sentence with every GPU and the driver.
   *
   * @param command the tool, nvidia-smi
   * @throws IsthmusException if there is no such tool, or it knows of no GPU
   */
  static String gpus(String command) {
    List<String> lines;
    try {
      Process process =
          new ProcessBuilder(command, "--query-gpu=" + FIELDS, "--format=csv,noheader")
              .redirectErrorStream(true)
              .start();
      process.getOutputStream().close();
      String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      boolean ended = process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS);
      lines = text.lines().filter(line -> !line.isBlank()).toList();
      if (!ended || process.exitValue() != 0 || lines.isEmpty()) {
        process.destroy();
        throw unusable(
            "nvidia-smi fails ("
                + (lines.isEmpty() ? "it says nothing" : lines.get(0).strip())
                + "); repair the driver first");
      }
    } catch (IOException absent) {
      throw unusable("there is no nvidia-smi in PATH: install the NVIDIA driver");
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw unusable("nvidia-smi was interrupted");
    }
    String driver = lines.get(0).substring(lines.get(0).lastIndexOf(',') + 1).strip();
    return "driver "
        + driver
        + "; "
        + String.join("; ", lines.stream().map(NvidiaSmi::sentence).toList());
  }

  private static String sentence(String line) {
    String[] field = line.split(",\\s*");
    return field.length < 5
        ? line
        : "GPU %s: %s, compute capability %s, %s free of %s"
            .formatted(field[0], field[1], field[2], field[3], field[4]);
  }

  private static IsthmusException unusable(String sentence) {
    return new IsthmusException(ExitCode.UNAVAILABLE, sentence);
  }

  /**
   * Where cuDNN 9 is: in a folder that the environment names, in a Python environment (PyTorch
   * brings it), or in the system.
   *
   * @param environment of the process
   */
  static Optional<Path> cudnn(Map<String, String> environment) {
    String asked = environment.getOrDefault("ISTHMUS_CUDNN", "");
    if (!asked.isEmpty()) {
      Path path = Path.of(asked);
      Path file = path.toFile().isDirectory() ? path.resolve(CUDNN) : path;
      return Optional.of(file).filter(found -> found.toFile().isFile());
    }
    Stream<Path> named =
        Stream.of("LD_LIBRARY_PATH", "CUDNN_HOME", "CUDA_HOME")
            .flatMap(name -> Stream.of(environment.getOrDefault(name, "").split(":")))
            .filter(folder -> !folder.isEmpty())
            .map(Path::of)
            .flatMap(folder -> Stream.of(folder, folder.resolve("lib64"), folder.resolve("lib")));
    Stream<Path> python =
        Stream.of("VIRTUAL_ENV", "CONDA_PREFIX")
            .map(environment::get)
            .filter(folder -> folder != null && !folder.isEmpty())
            .map(Path::of);
    Stream<Path> user =
        Stream.of(Path.of(System.getProperty("user.home"), ".local"), Path.of("/usr/local"));
    Stream<Path> system =
        Stream.of(
                "/usr/lib/x86_64-linux-gnu",
                "/usr/lib64",
                "/usr/lib",
                "/usr/local/cuda/lib64",
                "/usr/local/lib")
            .map(Path::of);
    return Stream.of(named, Stream.concat(python, user).flatMap(NvidiaSmi::ofPython), system)
        .flatMap(folders -> folders)
        .map(folder -> folder.resolve(CUDNN))
        .filter(file -> file.toFile().isFile())
        .findFirst();
  }

  /** The folders of NVIDIA's cuDNN package in the Python installations below a prefix. */
  private static Stream<Path> ofPython(Path prefix) {
    String[] versions =
        prefix.resolve("lib").toFile().list((folder, name) -> name.startsWith("python3"));
    return Stream.of(versions == null ? new String[0] : versions)
        .sorted()
        .flatMap(version -> Stream.of(version + "/site-packages", version + "/dist-packages"))
        .map(packages -> prefix.resolve("lib").resolve(packages).resolve("nvidia/cudnn/lib"));
  }
}
