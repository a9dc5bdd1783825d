require("http").createServer((_, r) => r.end(require("ms")(60000))).listen(process.env.PORT)
