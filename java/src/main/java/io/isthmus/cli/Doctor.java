package io.isthmus.cli;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.config.Precision;
import io.isthmus.engine.Backend;
import io.isthmus.engine.Engine;
import io.isthmus.experiment.Release;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/** {@code isthmus doctor}: whether this machine can do the work, and whether it does it right. */
@Command(
    name = "doctor",
    description = {
      "Examine this machine: Java, native libraries, memory, and whether the engine computes right.",
      "",
      "Ends with exit code 69 if something that every run needs is missing or wrong."
    })
final class Doctor implements Callable<Integer> {
  private static final double GRADIENT_TOLERANCE = 1e-3;
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
    examine();
    try (Engine cuda = Engine.open(Backend.CUDA, 0, 0)) {
      add("cuda", Outcome.OK, cuda.description());
    } catch (IsthmusException absent) {
      add("cuda", Outcome.ABSENT, absent.getMessage());
    }
    boolean healthy = checks.stream().noneMatch(check -> check.outcome() == Outcome.FAILED);
    console.answer(new Findings(healthy, checks), this::table);
    return (healthy ? ExitCode.OK : ExitCode.UNAVAILABLE).status();
  }

  private void examine() {
    try (Engine engine = Engine.open(Backend.CPU, 0, 0)) {
      add("engine", Outcome.OK, engine.description());
      add(
          "bf16",
          engine.supports(Precision.BF16) ? Outcome.OK : Outcome.ABSENT,
          engine.supports(Precision.BF16)
              ? "precision: bf16 is available"
              : "this processor has no bf16 products; precision: fp32 is the one to use");
      check("gradient", () -> gradient(engine));
      check("same bits", () -> repeatability(engine));
    } catch (IsthmusException | LinkageError unusable) {
      add("engine", Outcome.FAILED, Failure.of(unusable).sentence());
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
    return checks.stream()
        .map(
            check ->
                "%-7s %-10s %s"
                    .formatted(
                        check.outcome().name().toLowerCase(Locale.ROOT),
                        check.name(),
                        check.finding()))
        .collect(Collectors.joining(System.lineSeparator()));
  }
}
