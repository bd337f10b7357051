package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.Precision;
import io.isthmus.engine.Backend;
import io.isthmus.engine.Engine;
import io.isthmus.engine.EngineException;
import io.isthmus.experiment.Release;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code isthmus doctor}: whether this machine can do the work, and whether it does it right. */
@Command(
    name = "doctor",
    description = {
      "Examine this machine: Java, native libraries, memory, and whether the engine computes right.",
      "",
      "With --backend cuda: the GPU as well, each network and step on it against the CPU, and its"
          + " convolutions against cuDNN's where that is there.",
      "",
      "Ends with exit code 69 if something that every run needs is missing or wrong."
    })
final class Doctor implements Callable<Integer> {
  private static final double GRADIENT_TOLERANCE = 1e-3;

  /** What float32 arithmetic in another order may change, seen through a few steps. */
  private static final double FP32_TOLERANCE = 2e-3;

  /** A device may round to bf16 elsewhere than the CPU does: this many times its distance. */
  private static final double BF16_FACTOR = 3;

  /** What bf16 changes in the gradient of these networks, where the CPU cannot tell. */
  private static final double USUAL_BF16_DISTANCE = 0.2;

  /** What rounding to bf16 may always change, and fp16, which has 3 bits more, beyond bf16. */
  private static final double ROUNDING_TOLERANCE = 0.03;

  private static final Path CPU = Path.of("/proc/cpuinfo");
  private static final Path MEMORY = Path.of("/proc/meminfo");

  /** How a check came out. */
  enum Outcome {
    /** As it should be. */
    OK,
    /** Not there, and not needed by every run. */
    ABSENT,
    /** No run will work. */
    FAILED
  }

  /** One line of the examination. */
  record Check(String name, Outcome outcome, String finding) {}

  /** The whole of it. */
  record Findings(boolean healthy, List<Check> checks) {}

  private final Console console;
  private final List<Check> checks = new ArrayList<>();

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      defaultValue = "cpu",
      description =
          "The device to examine: cpu (default), cuda, or emulated (for tests: CUDA's kernels on"
              + " an emulated device).")
  private Backend backend;

  Doctor(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    check("version", () -> "isthmus " + Release.version());
    check("java", Doctor::java);
    check("system", Doctor::system);
    check("processor", Doctor::processor);
    check("memory", Doctor::memory);
    check("disk", Doctor::disk);
    check("hdf5", SelfCheck::storage);
    try (Engine cpu = Engine.open(Backend.CPU, 0, 0)) {
      add("engine", Outcome.OK, cpu.description());
      examine(cpu, "this processor has no bf16 products; precision: fp32 is the one to use");
      if (backend == Backend.CUDA) {
        check("driver", () -> NvidiaSmi.gpus("nvidia-smi"));
        cudnn();
      }
      if (backend != Backend.CPU) {
        examineDevice(cpu);
      }
    } catch (IsthmusException | LinkageError unusable) {
      add("engine", Outcome.FAILED, Failure.of(unusable).sentence());
    }
    if (backend == Backend.CPU) {
      cuda();
    }
    boolean healthy = checks.stream().noneMatch(check -> check.outcome() == Outcome.FAILED);
    console.answer(new Findings(healthy, checks), this::table);
    return (healthy ? ExitCode.OK : ExitCode.UNAVAILABLE).status();
  }

  /** Nothing needs cuDNN: it is another's word on the same convolutions. */
  private void cudnn() {
    Optional<Path> file = NvidiaSmi.cudnn(System.getenv());
    add(
        "cudnn",
        file.isPresent() ? Outcome.OK : Outcome.ABSENT,
        file.map(
                found ->
                    found
                        + "; with ISTHMUS_CONVOLUTIONS=cudnn whole networks use its convolutions in"
                        + " place of the own ones")
            .orElse(
                "no libcudnn.so.9 in ISTHMUS_CUDNN, LD_LIBRARY_PATH, Python environments or the"
                    + " system"));
  }

  private void cuda() {
    try (Engine cuda = Engine.open(Backend.CUDA, 0, 0)) {
      add("cuda", Outcome.OK, cuda.description() + "; doctor --backend cuda examines it");
    } catch (IsthmusException | LinkageError absent) {
      add("cuda", Outcome.ABSENT, Failure.of(absent).sentence());
    }
  }

  /** What every engine must do, whatever its device. */
  private void examine(Engine engine, String withoutBf16) {
    boolean bf16 = engine.supports(Precision.BF16);
    add(
        "bf16",
        bf16 ? Outcome.OK : Outcome.ABSENT,
        bf16 ? "precision: bf16 is available" : withoutBf16);
    check("gradient", () -> gradient(engine));
    check("same bits", () -> repeatability(engine));
  }

  /** The device that was asked for, in itself and against the CPU. */
  private void examineDevice(Engine cpu) {
    String name = backend.name().toLowerCase(Locale.ROOT);
    try (Engine device = Engine.open(backend, 0, 0)) {
      add(name, Outcome.OK, device.description());
      examine(device, "this device has no bf16 products; precision: fp32 is the one to use");
      for (String network : AgreementCheck.NETWORKS) {
        check(network, () -> agreement(cpu, device, network));
      }
      convolutions(device);
    } catch (IsthmusException | LinkageError unusable) {
      add(name, Outcome.FAILED, Failure.of(unusable).sentence());
    }
  }

  /** Own convolutions against cuDNN's, which need not be there. */
  private void convolutions(Engine device) {
    for (String network : CudnnCheck.networks(backend)) {
      String name = network + " convolutions";
      try {
        add(name, Outcome.OK, CudnnCheck.finding(device, backend, network));
      } catch (EngineException refused) {
        boolean absent = refused.status() == EngineException.Status.UNSUPPORTED;
        add(
            absent ? "convolutions" : name,
            absent ? Outcome.ABSENT : Outcome.FAILED,
            Failure.of(refused).sentence());
        return;
      } catch (IsthmusException wrong) {
        add(name, Outcome.FAILED, Failure.of(wrong).sentence());
      }
    }
  }

  private static String agreement(Engine cpu, Engine device, String network) {
    Map<String, float[]> exact = AgreementCheck.results(cpu, network, Precision.FP32);
    Map<String, Double> fp32 =
        AgreementCheck.distances(AgreementCheck.results(device, network, Precision.FP32), exact);
    fp32.forEach((what, distance) -> require(what, "fp32", distance, FP32_TOLERANCE));
    String finding = String.format(Locale.ROOT, "fp32: up to %.1e from the CPU", largest(fp32));
    if (!device.supports(Precision.BF16)) {
      return finding;
    }
    Map<String, Double> bf16 =
        AgreementCheck.distances(AgreementCheck.results(device, network, Precision.BF16), exact);
    Map<String, Double> usual =
        cpu.supports(Precision.BF16)
            ? AgreementCheck.distances(AgreementCheck.results(cpu, network, Precision.BF16), exact)
            : Map.of();
    bf16.forEach(
        (what, distance) ->
            require(
                what,
                "bf16",
                distance,
                Math.max(
                    ROUNDING_TOLERANCE,
                    BF16_FACTOR * usual.getOrDefault(what, USUAL_BF16_DISTANCE))));
    finding +=
        String.format(Locale.ROOT, "; bf16: up to %.1e from that", largest(bf16))
            + (usual.isEmpty()
                ? ""
                : String.format(Locale.ROOT, " (the CPU's bf16: %.1e)", largest(usual)));
    if (!device.supports(Precision.FP16)) {
      return finding;
    }
    Map<String, Double> fp16 =
        AgreementCheck.distances(AgreementCheck.results(device, network, Precision.FP16), exact);
    fp16.forEach(
        (what, distance) ->
            require(what, "fp16", distance, Math.max(ROUNDING_TOLERANCE, bf16.get(what))));
    return finding + String.format(Locale.ROOT, "; fp16: %.1e", largest(fp16));
  }

  private static double largest(Map<String, Double> distances) {
    return distances.values().stream().mapToDouble(Double::doubleValue).max().orElse(0);
  }

  private static void require(String what, String precision, double distance, double tolerance) {
    if (distance > tolerance) {
      throw new IsthmusException(
          ExitCode.INTERNAL,
          String.format(
              Locale.ROOT,
              "%s (%s): %.1e from the CPU's, at most %.1e may be; results of this device are wrong",
              what,
              precision,
              distance,
              tolerance));
    }
  }

  private static String gradient(Engine engine) {
    double error = SelfCheck.gradientError(engine);
    String finding = String.format(Locale.ROOT, "%.1e from finite differences of the loss", error);
    if (!(error < GRADIENT_TOLERANCE)) {
      throw new IsthmusException(
          ExitCode.INTERNAL, finding + ", which is too much: results of this machine are wrong");
    }
    return finding;
  }

  private static String repeatability(Engine engine) {
    if (!SelfCheck.repeats(engine)) {
      throw new IsthmusException(
          ExitCode.INTERNAL, "two equal trainings differ: results of this machine do not repeat");
    }
    return "two equal trainings agree in every bit";
  }

  private static String java() {
    return "%s (%s), heap up to %s"
        .formatted(
            Runtime.version(),
            System.getProperty("java.vendor"),
            Sizes.bytes(Runtime.getRuntime().maxMemory()));
  }

  private static String system() {
    return "%s %s, %s"
        .formatted(
            System.getProperty("os.name"),
            System.getProperty("os.version"),
            System.getProperty("os.arch"));
  }

  private static String processor() {
    String flags = " " + field(CPU, "flags").orElse("") + " ";
    String sets =
        Stream.of("avx2", "avx512f", "avx512_bf16", "amx_bf16")
            .filter(set -> flags.contains(" " + set + " "))
            .collect(Collectors.joining(" "));
    return "%s, %d cores, %s"
        .formatted(
            field(CPU, "model name").orElse("unknown model"),
            Runtime.getRuntime().availableProcessors(),
            sets.isEmpty() ? "no AVX2" : sets);
  }

  private static String memory() {
    return Sizes.kibibytes(field(MEMORY, "MemAvailable"))
        + " free of "
        + Sizes.kibibytes(field(MEMORY, "MemTotal"));
  }

  /**
   * By File, not FileStore: that one looks for a mount point, which a chroot or container may hide.
   */
  private static String disk() {
    Path here = Path.of("").toAbsolutePath();
    return Sizes.bytes(here.toFile().getUsableSpace()) + " free in " + here;
  }

  /** The value of the first line {@code name : value} of a file under /proc. */
  private static Optional<String> field(Path file, String name) {
    try (Stream<String> lines = Files.lines(file)) {
      return lines
          .filter(line -> line.startsWith(name))
          .findFirst()
          .map(line -> line.substring(line.indexOf(':') + 1).strip());
    } catch (IOException notLinux) {
      return Optional.empty();
    }
  }

  private interface Examination {
    String finding() throws Exception;
  }

  private void check(String name, Examination examination) {
    try {
      add(name, Outcome.OK, examination.finding());
    } catch (Exception | LinkageError failed) {
      add(name, Outcome.FAILED, Failure.of(failed).sentence());
    }
  }

  private void add(String name, Outcome outcome, String finding) {
    checks.add(new Check(name, outcome, finding));
  }

  private String table() {
    int width = checks.stream().mapToInt(check -> check.name().length()).max().orElse(0);
    return checks.stream()
        .map(
            check ->
                "%-7s %s%s %s"
                    .formatted(
                        check.outcome().name().toLowerCase(Locale.ROOT),
                        check.name(),
                        " ".repeat(width - check.name().length()),
                        check.finding()))
        .collect(Collectors.joining(System.lineSeparator()));
  }
}
