// A derivative tool in C++ over GradBench's JSON-lines protocol: forward-mode dual numbers by templates.
//
//     g++ -O2 -std=c++17 -o forward examples/external/forward.cpp
//     adbench run forward --external 'forward=./forward'
//
// It knows the modules hello, lse, llsq and det. Each function is one template, run with doubles for its
// value and with duals of eight directions at a time for its gradient. Nothing beyond the standard library.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

// --- JSON, as much of it as messages hold -----------------------------------------------------------

struct Json {
  double number = 0;
  std::string text;
  std::vector<Json> list;
  std::map<std::string, Json> object;

  const Json& at(const std::string& key) const {
    auto found = object.find(key);
    if (found == object.end()) throw std::runtime_error("the message has no '" + key + "'");
    return found->second;
  }
  std::vector<double> numbers() const {
    std::vector<double> all;
    for (const Json& each : list) all.push_back(each.number);
    return all;
  }
};

struct Reader {
  const char* at;

  char next() {
    while (*at == ' ' || *at == '\t' || *at == '\r') at++;
    return *at;
  }
  void take(char c) {
    if (next() != c) throw std::runtime_error(std::string("this line is no JSON: expected ") + c);
    at++;
  }
  std::string string() {
    std::string found;
    for (take('"'); *at && *at != '"'; at++) {
      if (*at == '\\' && at[1]) at++;  // \n or \u would come out as n and u: no name here has them
      found += *at;
    }
    take('"');
    return found;
  }
  Json value() {
    Json found;
    char c = next();
    if (c == '"') {
      found.text = string();
    } else if (c == '[') {
      for (take('['); next() != ']';) {
        found.list.push_back(value());
        if (next() != ']') take(',');
      }
      take(']');
    } else if (c == '{') {
      for (take('{'); next() != '}';) {
        std::string key = (next(), string());
        take(':');
        found.object[key] = value();
        if (next() != '}') take(',');
      }
      take('}');
    } else if (c >= 'a' && c <= 'z') {  // true, false, null: nothing here asks for them
      std::string word;
      while (*at >= 'a' && *at <= 'z') word += *at++;
      if (word != "true" && word != "false" && word != "null")
        throw std::runtime_error("this line is no JSON: " + word);
    } else {
      char* end;
      found.number = std::strtod(at, &end);
      if (end == at) throw std::runtime_error("this line is no JSON");
      at = end;
    }
    return found;
  }
};

std::string json(double v) {
  if (!std::isfinite(v)) throw std::runtime_error("the result is not finite, which JSON cannot say");
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", v);  // 17 digits: exactly this double
  return text;
}

std::string json(const std::vector<double>& all) {
  std::string text = "[";
  for (double v : all) text += (text.size() > 1 ? "," : "") + json(v);
  return text + "]";
}

// --- dual numbers -----------------------------------------------------------------------------------

constexpr int LANES = 8;

struct Dual {
  double v;
  double d[LANES] = {};
  Dual(double v = 0) : v(v) {}
};

// The dual of a function of a and b with this value and these partial derivatives.
inline Dual chain(double v, const Dual& a, double by_a, const Dual& b, double by_b) {
  Dual r(v);
  for (int i = 0; i < LANES; i++) r.d[i] = by_a * a.d[i] + by_b * b.d[i];
  return r;
}
inline Dual operator+(const Dual& a, const Dual& b) { return chain(a.v + b.v, a, 1, b, 1); }
inline Dual operator-(const Dual& a, const Dual& b) { return chain(a.v - b.v, a, 1, b, -1); }
inline Dual operator*(const Dual& a, const Dual& b) { return chain(a.v * b.v, a, b.v, b, a.v); }
inline bool operator>(const Dual& a, const Dual& b) { return a.v > b.v; }
inline Dual exp(const Dual& a) { double e = std::exp(a.v); return chain(e, a, e, a, 0); }
inline Dual log(const Dual& a) { return chain(std::log(a.v), a, 1 / a.v, a, 0); }

// --- the functions ----------------------------------------------------------------------------------

using std::exp;
using std::log;

struct Square {
  template <class T> T operator()(const std::vector<T>& x) const { return x[0] * x[0]; }
};

struct LogSumExp {
  template <class T> T operator()(const std::vector<T>& x) const {
    T greatest = x[0], total = 0.0;
    for (const T& v : x) if (v > greatest) greatest = v;
    for (const T& v : x) total = total + exp(v - greatest);
    return greatest + log(total);
  }
};

struct LeastSquares {
  int n;
  template <class T> T operator()(const std::vector<T>& x) const {
    T total = 0.0;
    for (int i = 0; i < n; i++) {
      double t = -1.0 + i * 2.0 / (n - 1), s = (t > 0) - (t < 0);
      T polynomial = 0.0;
      for (size_t j = x.size(); j-- > 0;) polynomial = polynomial * T(t) + x[j];
      T residual = T(s) - polynomial;
      total = total + residual * residual;
    }
    return total * T(0.5);
  }
};

struct Determinant {  // by expansion along the first row; A is row-major
  int ell;
  template <class T> T minor(const std::vector<T>& a, int row, unsigned used) const {
    if (row == ell) return 1.0;
    T total = 0.0;
    double sign = 1.0;
    for (int j = 0; j < ell; j++) {
      if (used >> j & 1) continue;
      total = total + T(sign) * a[row * ell + j] * minor(a, row + 1, used | 1u << j);
      sign = -sign;
    }
    return total;
  }
  template <class T> T operator()(const std::vector<T>& a) const { return minor(a, 0, 0); }
};

template <class F> std::vector<double> gradient(const F& f, const std::vector<double>& x) {
  std::vector<double> result(x.size());
  std::vector<Dual> at(x.begin(), x.end());
  for (size_t first = 0; first < x.size(); first += LANES) {
    size_t lanes = std::min<size_t>(LANES, x.size() - first);
    for (size_t i = 0; i < lanes; i++) at[first + i].d[i] = 1;
    Dual r = f(at);
    for (size_t i = 0; i < lanes; i++) {
      result[first + i] = r.d[i];
      at[first + i].d[i] = 0;
    }
  }
  return result;
}

// --- the protocol -----------------------------------------------------------------------------------

// Runs f as often and as long as asked; the output of the last run and one timing for each as JSON.
template <class F> std::string timed(const Json& input, F f) {
  using Clock = std::chrono::steady_clock;
  bool plain = input.object.empty();  // hello: a bare number, run once
  double runs = plain ? 1 : input.at("min_runs").number;
  double seconds = plain ? 0 : input.at("min_seconds").number;
  std::string timings;
  auto result = decltype(f())();
  double total = 0;
  for (int i = 0; i < 1 || i < runs || total < seconds; i++) {
    auto before = Clock::now();
    result = f();
    auto took = std::chrono::nanoseconds(Clock::now() - before).count();
    total += took * 1e-9;
    timings += (i ? "," : "") + ("{\"name\":\"evaluate\",\"nanoseconds\":" + std::to_string(took) + "}");
  }
  return "\"success\":true,\"output\":" + json(result) + ",\"timings\":[" + timings + "]";
}

template <class F> std::string both(const Json& input, bool value, const F& f, const std::vector<double>& x) {
  if (value) return timed(input, [&] { return f(x); });
  return timed(input, [&] { return gradient(f, x); });
}

std::string evaluate(const Json& message) {
  const std::string &module = message.at("module").text, &function = message.at("function").text;
  const Json& input = message.at("input");
  bool value = function == "primal";
  if (module == "hello" && function == "square") return both(input, true, Square(), {input.number});
  if (module == "hello" && function == "double") {
    std::vector<double> x{input.number};
    return timed(input, [&] { return gradient(Square(), x)[0]; });
  }
  if (!value && function != "gradient") throw std::runtime_error("no function " + function);
  if (module == "lse") return both(input, value, LogSumExp(), input.at("x").numbers());
  if (module == "llsq")
    return both(input, value, LeastSquares{int(input.at("n").number)}, input.at("x").numbers());
  if (module == "det")
    return both(input, value, Determinant{int(input.at("ell").number)}, input.at("A").numbers());
  throw std::runtime_error("no module " + module);
}

std::string answer(const Json& message) {
  const std::string& kind = message.at("kind").text;
  if (kind == "start") return "\"tool\":\"forward.cpp\"";
  if (kind == "define") {
    const std::string& m = message.at("module").text;
    bool known = m == "hello" || m == "lse" || m == "llsq" || m == "det";
    return std::string("\"success\":") + (known ? "true" : "false");
  }
  return kind == "evaluate" ? evaluate(message) : "";
}

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::string id = "null", said;
    try {
      Json message = Reader{line.c_str()}.value();
      id = std::to_string((long long)message.at("id").number);
      said = answer(message);
    } catch (const std::exception& error) {
      said = std::string("\"success\":false,\"error\":\"") + error.what() + "\"";
    }
    std::cout << "{\"id\":" << id << (said.empty() ? "" : ",") << said << "}" << std::endl;
  }
}
