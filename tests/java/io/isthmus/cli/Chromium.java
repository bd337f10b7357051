package io.isthmus.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A headless Chromium with one page, driven over its DevTools protocol. */
final class Chromium implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 30;
  private static final JsonMapper JSON = new JsonMapper();
  private static final List<String> NAMES =
      List.of(
          "chromium-headless-shell",
          "chrome-headless-shell",
          "chromium",
          "chromium-browser",
          "google-chrome");

  private final Process process;
  private final HttpClient client =
      HttpClient.newBuilder().proxy(HttpClient.Builder.NO_PROXY).build();
  private final WebSocket socket;
  private final AtomicInteger calls = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();
  private final List<Event> events = new CopyOnWriteArrayList<>();

  /** Something that the browser reported of its own accord. */
  record Event(String method, JsonNode params) {}

  /** A browser of this machine; empty when there is none. */
  static Optional<Path> find() {
    return NAMES.stream()
        .flatMap(name -> Stream.of(System.getenv("PATH").split(":")).map(f -> Path.of(f, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /**
   * Starts it.
   *
   * @param browser the program
   * @param profile a folder for whatever it keeps
   */
  static Chromium start(Path browser, Path profile) throws Exception {
    Process process =
        new ProcessBuilder(
                browser.toString(),
                "--headless",
                "--no-sandbox", // a container's root has no user namespaces
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--no-first-run",
                "--no-proxy-server",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile,
                "about:blank")
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      return new Chromium(process);
    } catch (Exception e) {
      process.destroyForcibly();
      throw e;
    }
  }

  private Chromium(Process process) throws Exception {
    this.process = process;
    URI pages = URI.create("http://" + address(process.errorReader()) + "/json/list");
    String list =
        client.send(HttpRequest.newBuilder(pages).build(), BodyHandlers.ofString()).body();
    String page = JSON.readTree(list).get(0).get("webSocketDebuggerUrl").asString();
    socket = wait(client.newWebSocketBuilder().buildAsync(URI.create(page), new Messages()));
    for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
      send(domain + ".enable", Map.of());
    }
  }

  /** Host and port at which it listens; reads on, so that it never waits to tell something. */
  private static String address(BufferedReader err) throws Exception {
    CompletableFuture<String> address = new CompletableFuture<>();
    StringBuilder said = new StringBuilder();
    Thread reader =
        new Thread(
            () -> {
              try (err) {
                for (String line = err.readLine(); line != null; line = err.readLine()) {
                  said.append(line).append('\n');
                  if (line.startsWith("DevTools listening on ws://")) {
                    address.complete(line.split("/")[2]);
                  }
                }
              } catch (IOException e) {
                said.append(e);
              }
              address.completeExceptionally(new IOException("Chromium ended: " + said));
            });
    reader.setDaemon(true);
    reader.start();
    return wait(address);
  }

  /** Calls a method of the protocol and waits for its result. */
  JsonNode send(String method, Map<String, Object> params) throws Exception {
    int id = calls.incrementAndGet();
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    answers.put(id, answer);
    Map<String, Object> message = Map.of("id", id, "method", method, "params", params);
    wait(socket.sendText(JSON.writeValueAsString(message), true));
    JsonNode result = wait(answer);
    if (result.has("error")) {
      throw new AssertionError(method + ": " + result.get("error"));
    }
    return result.get("result");
  }

  /** Everything it reported so far, in order. */
  List<Event> events() {
    return List.copyOf(events);
  }

  /** Opens a file and waits until it is loaded. */
  void open(Path file) throws Exception {
    long before = loads();
    send("Page.navigate", Map.of("url", file.toUri().toString()));
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (loads() == before) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError(file + " was not loaded");
      }
      Thread.sleep(5);
    }
  }

  private long loads() {
    return events.stream().filter(e -> e.method().equals("Page.loadEventFired")).count();
  }

  /** The value of an expression of the page's script, once it has painted what was asked before. */
  JsonNode value(String expression) throws Exception {
    String painted = "new Promise(done => requestAnimationFrame(() => setTimeout(done)))";
    JsonNode result =
        send(
            "Runtime.evaluate",
            Map.of(
                "expression",
                painted + ".then(() => (" + expression + "))",
                "awaitPromise",
                true,
                "returnByValue",
                true));
    if (result.has("exceptionDetails")) {
      throw new AssertionError(expression + ": " + result.get("exceptionDetails"));
    }
    return result.get("result").get("value");
  }

  /** Makes the window that of a device. */
  void window(int width, int height, boolean phone) throws Exception {
    send(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", phone));
    send("Emulation.setTouchEmulationEnabled", Map.of("enabled", phone));
  }

  /** What the reader's system prefers. */
  void dark(boolean dark) throws Exception {
    Map<String, Object> scheme =
        Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light");
    send("Emulation.setEmulatedMedia", Map.of("features", List.of(scheme)));
  }

  /** Moves the mouse. */
  void point(double x, double y) throws Exception {
    send("Input.dispatchMouseEvent", Map.of("type", "mouseMoved", "x", x, "y", y));
  }

  /** Presses a key by its name, such as ArrowRight. */
  void press(String key) throws Exception {
    send("Input.dispatchKeyEvent", Map.of("type", "keyDown", "key", key));
    send("Input.dispatchKeyEvent", Map.of("type", "keyUp", "key", key));
  }

  /** A picture of the whole page as a PNG. */
  void picture(Path file) throws Exception {
    JsonNode size = send("Page.getLayoutMetrics", Map.of()).get("cssContentSize");
    Map<String, Object> clip =
        Map.of(
            "x", 0, "y", 0, "scale", 1, "width", size.get("width"), "height", size.get("height"));
    JsonNode shot =
        send("Page.captureScreenshot", Map.of("captureBeyondViewport", true, "clip", clip));
    Files.createDirectories(file.getParent());
    Files.write(file, Base64.getDecoder().decode(shot.get("data").asString()));
  }

  private static <T> T wait(CompletableFuture<T> future) throws Exception {
    try {
      return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("Chromium does not answer", e);
    } catch (ExecutionException e) {
      throw new AssertionError("Chromium cannot be reached: " + e.getCause().getMessage(), e);
    }
  }

  @Override
  public void close() throws InterruptedException {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly().waitFor();
  }

  /** Sorts what comes in into answers and events. */
  private final class Messages implements WebSocket.Listener {
    private final StringBuilder message = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
      message.append(part);
      if (last) {
        JsonNode whole = JSON.readTree(message.toString());
        message.setLength(0);
        if (whole.has("id")) {
          answers.remove(whole.get("id").asInt()).complete(whole);
        } else {
          events.add(new Event(whole.get("method").asString(), whole.get("params")));
        }
      }
      from.request(1);
      return null;
    }
  }
}
