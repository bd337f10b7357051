// report.cpp - see report.h.
#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <sstream>

#include "probe.h"

namespace ist::bench {
namespace {

__attribute__((format(printf, 1, 2))) std::string print(const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    std::vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return text;
}

// Three digits or more: 0.0123, 1.23, 12.3, 123, 1234.
std::string digits(double value) {
    const int decimals = value > 0 ? std::clamp(2 - int(std::floor(std::log10(value))), 0, 6) : 0;
    return print("%.*f", decimals, value);
}

std::string spread(const Series &series, double scale) {
    return digits(quantile(series.seconds, 0.1) * scale) + " - " + digits(quantile(series.seconds, 0.9) * scale);
}

// The fastest sample of the probe, in operations per second; 0: not probed.
double ceiling(const std::vector<Result> &results, ist_precision precision, int threads) {
    double fastest = 0;
    for (const Result &result : results)
        for (const Series &series : result.measured.series)
            if (result.work.kind == "probe" && series.threads == threads && !series.seconds.empty() &&
                series.what == (precision == IST_BF16 ? kBf16Rate : kFp32Rate))
                fastest = std::max(fastest, series.amount / quantile(series.seconds, 0));
    return fastest;
}

std::string share(const std::vector<Result> &results, const Result &result, const Series &series) {
    const double most = ceiling(results, result.work.precision, series.threads);
    return most > 0 ? print("%.0f %%", 100 * series.flops / median(series.seconds) / most) : "-";
}

std::vector<const Result *> of_kinds(const std::vector<Result> &results, const std::vector<std::string> &kinds) {
    std::vector<const Result *> found;
    for (const std::string &kind : kinds)
        for (const Result &result : results)
            if (result.work.kind == kind) found.push_back(&result);
    return found;
}

// The two probes, before and after everything else, as one.
Table ceilings(const std::vector<Result> &results) {
    Table table{"Ceilings of this machine", {"what", "threads", "n", "fastest", "median", "unit"}, {}, {}};
    std::vector<Series> all;
    for (const Result *result : of_kinds(results, {"probe"}))
        for (const Series &series : result->measured.series) {
            const auto same = std::find_if(all.begin(), all.end(), [&](const Series &other) {
                return other.what == series.what && other.threads == series.threads;
            });
            if (same == all.end()) all.push_back(series);
            else same->seconds.insert(same->seconds.end(), series.seconds.begin(), series.seconds.end());
        }
    for (const Series &series : all)
        table.rows.push_back({series.what, print("%d", series.threads), print("%zu", series.seconds.size()),
                              digits(series.amount / quantile(series.seconds, 0) / 1e9),
                              digits(series.amount / median(series.seconds) / 1e9),
                              series.unit == "flop" ? "GFLOP/s" : "GB/s"});
    return table;
}

const std::vector<std::string> kWorkHeader = {"net",     "precision", "work",         "threads",      "n",       "ms",
                                              "10-90 %", "img/s",     "% of ceiling", "first call s", "peak MiB"};

std::vector<std::string> work_row(const std::vector<Result> &results, const Result &result, const Series &series) {
    return {result.work.net,
            precision_name(result.work.precision),
            series.what,
            print("%d", series.threads),
            print("%zu", series.seconds.size()),
            digits(median(series.seconds) * 1e3),
            spread(series, 1e3),
            digits(series.amount / median(series.seconds)),
            share(results, result, series),
            digits(series.first_s),
            print("%.0f", result.measured.peak_mib)};
}

Table work_table(const std::vector<Result> &results, std::string title, const std::vector<std::string> &kinds) {
    Table table{std::move(title), kWorkHeader, {}, {}};
    for (const Result *result : of_kinds(results, kinds)) {
        for (const Series &series : result->measured.series) table.rows.push_back(work_row(results, *result, series));
        if (!result->measured.error.empty())
            table.notes.push_back(result->work.net + " " + precision_name(result->work.precision) + " " +
                                  result->work.kind + " failed: " + result->measured.error);
    }
    return table;
}

// The median of a path step over what it is made of, round by round.
std::string cost_over(const Series &step, const std::vector<const Series *> &parts) {
    std::vector<double> ratios;
    for (size_t i = 0; i < step.seconds.size(); ++i) {
        double sum = 0;
        for (const Series *part : parts) sum += part->seconds[i];
        ratios.push_back(step.seconds[i] / sum);
    }
    return print("%.3f (%.3f - %.3f)", median(ratios), quantile(ratios, 0.1), quantile(ratios, 0.9));
}

Table path_table(const std::vector<Result> &results) {
    Table table = work_table(results, "A path step and what it is made of", {"path"});
    for (const Result *result : of_kinds(results, {"path"})) {
        const std::vector<Series> &s = result->measured.series;
        if (s.size() == 4)
            table.notes.push_back(std::string(precision_name(result->work.precision)) + ": the path step costs " +
                                  cost_over(s[0], {&s[1], &s[2]}) +
                                  " times the gradients of its inner pivots and the forward passes of its two ends; " +
                                  cost_over(s[0], {&s[1]}) + " times the gradients of the inner pivots alone; " +
                                  cost_over(s[0], {&s[3]}) + " times the gradients of as many points");
    }
    return table;
}

Table scaling_table(const std::vector<Result> &results, const Result &result) {
    Table table{"Scaling: " + result.work.x + " (" + result.work.net + ", " + precision_name(result.work.precision) +
                    ")",
                {"x", "work", "n", "ms", "10-90 %", "line", "img/s", "% of ceiling"},
                {},
                {}};
    std::vector<double> x, y;
    for (const Series &series : result.measured.series) {
        x.push_back(series.x);
        y.push_back(median(series.seconds) * 1e3);
    }
    const Line line = line_through(x, y);
    for (const Series &series : result.measured.series)
        table.rows.push_back({print("%.0f", series.x), series.what, print("%zu", series.seconds.size()),
                              digits(median(series.seconds) * 1e3), spread(series, 1e3),
                              digits(line.intercept + line.slope * series.x),
                              digits(series.amount / median(series.seconds)), share(results, result, series)});
    table.notes.push_back(print("line: %.4g ms + %.4g ms * x; the furthest point is %.1f %% from it", line.intercept,
                                line.slope, 100 * line.deviation));
    return table;
}

Table threads_table(const Result &result) {
    Table table{"Scaling: threads (" + result.work.net + ", " + precision_name(result.work.precision) + ")",
                {"work", "n", "1 thread ms", "10-90 %", "all threads ms", "10-90 %", "threads", "speed-up"},
                {},
                {}};
    const std::vector<Series> &all = result.measured.series;
    for (size_t i = 0, half = all.size() / 2; i < half && all[0].threads != all[half].threads; ++i) {
        const Series &one = all[i], &many = all[half + i];
        table.rows.push_back({one.what, print("%zu", one.seconds.size()), digits(median(one.seconds) * 1e3),
                              spread(one, 1e3), digits(median(many.seconds) * 1e3), spread(many, 1e3),
                              print("%d", many.threads), print("%.2f", median(one.seconds) / median(many.seconds))});
    }
    if (table.rows.empty()) table.notes.push_back("this run had one thread; nothing to compare");
    return table;
}

std::string escaped(const std::string &text) {
    std::string out;
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c == '\n' || c == '\t' ? ' ' : c;
    }
    return out;
}

} // namespace

std::vector<Table> tables(const std::vector<Result> &results) {
    std::vector<Table> all = {ceilings(results),
                              work_table(results, "Training and evaluation", {"training", "evaluation", "dense"}),
                              path_table(results)};
    for (const Result *result : of_kinds(results, {"pivots", "batch", "images", "depth", "width"}))
        if (result->measured.series.size() > 1) all.push_back(scaling_table(results, *result));
    for (const Result *result : of_kinds(results, {"threads"}))
        if (!result->measured.series.empty()) all.push_back(threads_table(*result));
    all.erase(std::remove_if(all.begin(), all.end(), [](const Table &t) { return t.rows.empty() && t.notes.empty(); }),
              all.end());
    return all;
}

std::string as_text(const std::vector<Table> &tables) {
    std::ostringstream out;
    for (const Table &table : tables) {
        std::vector<size_t> widths(table.header.size());
        const auto widen = [&](const std::vector<std::string> &row) {
            for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
        };
        const auto line = [&](const std::vector<std::string> &row) {
            std::string text;
            for (size_t i = 0; i < row.size(); ++i) text += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
            text.erase(text.find_last_not_of(' ') + 1);
            out << "  " << text << '\n';
        };
        widen(table.header);
        std::for_each(table.rows.begin(), table.rows.end(), widen);
        out << table.title << '\n';
        line(table.header);
        std::for_each(table.rows.begin(), table.rows.end(), line);
        for (const std::string &note : table.notes) out << "  " << note << '\n';
        out << '\n';
    }
    return out.str();
}

std::string as_markdown(const std::vector<Table> &tables) {
    std::ostringstream out;
    for (const Table &table : tables) {
        const auto line = [&](const std::vector<std::string> &row) {
            out << '|';
            for (const std::string &cell : row) out << ' ' << cell << " |";
            out << '\n';
        };
        out << "\n## " << table.title << "\n\n";
        line(table.header);
        line(std::vector<std::string>(table.header.size(), "---"));
        std::for_each(table.rows.begin(), table.rows.end(), line);
        for (const std::string &note : table.notes) out << "\n* " << note;
        out << (table.notes.empty() ? "" : "\n");
    }
    return out.str();
}

std::string as_json_lines(const std::vector<Result> &results) {
    std::ostringstream out;
    out.precision(9);
    for (const Result &result : results) {
        const auto begin = [&] {
            out << "{\"kind\": \"" << result.work.kind << "\", \"net\": \"" << result.work.net
                << "\", \"precision\": \"" << precision_name(result.work.precision) << "\", ";
        };
        if (!result.measured.error.empty()) {
            begin();
            out << "\"error\": \"" << escaped(result.measured.error) << "\"}\n";
        }
        for (const Series &s : result.measured.series) {
            begin();
            out << "\"what\": \"" << escaped(s.what) << "\", \"threads\": " << s.threads << ", \"x\": " << s.x
                << ", \"unit\": \"" << s.unit << "\", \"amount\": " << s.amount << ", \"flops\": " << s.flops
                << ", \"first_s\": " << s.first_s << ", \"peak_mib\": " << result.measured.peak_mib
                << ", \"seconds\": [";
            for (size_t i = 0; i < s.seconds.size(); ++i) out << (i ? ", " : "") << s.seconds[i];
            out << "]}\n";
        }
    }
    return out.str();
}

std::string as_svg(const std::vector<Result> &results) {
    constexpr double kWidth = 320, kHeight = 240, kLeft = 50, kRight = 15, kTop = 24, kBottom = 36;
    const std::vector<const Result *> swept = of_kinds(results, {"pivots", "batch", "images", "depth", "width"});
    std::ostringstream panels;
    int n = 0;
    for (const Result *result : swept) {
        std::vector<double> x, y;
        for (const Series &series : result->measured.series) {
            x.push_back(series.x);
            y.push_back(median(series.seconds) * 1e3);
        }
        if (x.size() < 2) continue;
        const double most_x = *std::max_element(x.begin(), x.end()) * 1.05;
        const double most_y = *std::max_element(y.begin(), y.end()) * 1.1;
        const double left = (n % 3) * kWidth + kLeft, bottom = (n / 3 + 1) * kHeight - kBottom;
        const double wide = kWidth - kLeft - kRight, high = kHeight - kTop - kBottom;
        const auto at_x = [&](double v) { return left + wide * v / most_x; };
        const auto at_y = [&](double v) { return bottom - high * v / most_y; };
        const auto text = [&](double px, double py, const char *anchor, const std::string &what) {
            panels << print("<text x='%.1f' y='%.1f' text-anchor='%s'>", px, py, anchor) << what << "</text>\n";
        };
        panels << print("<path d='M%.1f %.1fV%.1fH%.1f' fill='none' stroke='#444'/>\n", left, bottom - high, bottom,
                        left + wide);
        const Line line = line_through(x, y);
        const double from = *std::min_element(x.begin(), x.end()), to = most_x / 1.05;
        panels << print("<path d='M%.1f %.1fL%.1f %.1f' stroke='#999' stroke-dasharray='4 3'/>\n", at_x(from),
                        at_y(line.intercept + line.slope * from), at_x(to), at_y(line.intercept + line.slope * to));
        for (size_t i = 0; i < x.size(); ++i) {
            const Series &series = result->measured.series[i];
            panels << print("<path d='M%.1f %.1fV%.1f' stroke='#1f5fa8'/>", at_x(x[i]),
                            at_y(std::min(most_y, quantile(series.seconds, 0.9) * 1e3)),
                            at_y(quantile(series.seconds, 0.1) * 1e3));
            panels << print("<circle cx='%.1f' cy='%.1f' r='3.5' fill='#1f5fa8'/>\n", at_x(x[i]), at_y(y[i]));
            text(at_x(x[i]), bottom + 14, "middle", x[i] < 1e4 ? print("%.0f", x[i]) : print("%.0fk", x[i] / 1e3));
        }
        text(left + 4, bottom - high - 6, "start",
             "ms, " + result->work.net + " " + precision_name(result->work.precision));
        text(left + wide / 2, bottom + 30, "middle", result->work.x);
        text(left - 4, at_y(most_y / 1.1) + 4, "end", digits(most_y / 1.1));
        text(left - 4, bottom + 4, "end", "0");
        ++n;
    }
    if (n == 0) return "";
    const double width = std::min(n, 3) * kWidth, height = (n + 2) / 3 * kHeight;
    return print("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %.0f %.0f' width='%.0f' height='%.0f' "
                 "font-family='sans-serif' font-size='11'>\n<rect width='100%%' height='100%%' fill='white'/>\n",
                 width, height, width, height) +
           panels.str() + "</svg>\n";
}

std::vector<std::string> defects(const std::vector<Result> &results) {
    std::vector<std::string> found;
    for (const Result &result : results) {
        std::string name = result.work.kind;
        if (!result.work.net.empty()) name += " " + result.work.net + " " + precision_name(result.work.precision);
        if (!result.measured.error.empty()) found.push_back(name + ": " + result.measured.error);
        else if (result.measured.series.empty()) found.push_back(name + ": nothing was measured");
        for (const Series &series : result.measured.series) {
            const bool sane = !series.seconds.empty() && series.amount > 0 &&
                              std::all_of(series.seconds.begin(), series.seconds.end(),
                                          [](double s) { return std::isfinite(s) && s > 0; });
            if (!sane) found.push_back(name + ", " + series.what + ": a time or an amount is not above 0");
        }
        if (result.measured.error.empty() && !(result.measured.peak_mib > 0))
            found.push_back(name + ": no peak memory");
    }
    return found;
}

} // namespace ist::bench
