package io.isthmus.store;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where and with what a run was computed; {@code env.json} holds one for each place it was started
 * in.
 *
 * @param isthmus version of this program
 * @param commit of its source; empty if not known
 * @param java version and vendor of the Java platform
 * @param os name and version of the operating system
 * @param cpu model of the processor
 * @param cores that this process may use
 * @param memory of the machine in bytes; 0 if not known
 * @param threads the engine works with
 * @param engine the engine's own description
 */
public record Environment(
    String isthmus,
    String commit,
    String java,
    String os,
    String cpu,
    int cores,
    long memory,
    int threads,
    String engine) {

  /** This process on this machine. */
  public static Environment here(String isthmus, String commit, int threads, String engine) {
    return new Environment(
        isthmus,
        commit,
        "%s (%s)".formatted(Runtime.version(), System.getProperty("java.vendor")),
        "%s %s %s"
            .formatted(
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("os.arch")),
        processor(),
        Runtime.getRuntime().availableProcessors(),
        machineMemory(),
        threads,
        engine);
  }

  /** Its parts by name, in order. */
  public Map<String, Object> facts() {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("isthmus", isthmus);
    facts.put("commit", commit);
    facts.put("java", java);
    facts.put("os", os);
    facts.put("cpu", cpu);
    facts.put("cores", cores);
    facts.put("memory", memory);
    facts.put("threads", threads);
    facts.put("engine", engine);
    return facts;
  }

  private static String processor() {
    Path info = Path.of("/proc/cpuinfo");
    try (var lines = Files.lines(info)) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse(System.getProperty("os.arch"));
    } catch (IOException | RuntimeException e) {
      return System.getProperty("os.arch");
    }
  }

  private static long machineMemory() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean machine
        ? machine.getTotalMemorySize()
        : 0;
  }
}
