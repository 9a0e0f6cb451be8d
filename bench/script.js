// The same with node's modbus-serial: node script.js DEVICES REGISTERS
"use strict";
const http = require("http");
const ModbusRTU = require("/node/node_modules/modbus-serial");
const [devices, registers] = process.argv.slice(2).map(Number);
const agent = new http.Agent({ keepAlive: true });

function write(text) {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: 8086, path: "/write?db=edge", method: "POST", agent };
    const request = http.request(options, (answer) => answer.resume().on("end", resolve));
    request.on("error", reject).end(text);
  });
}

async function main() {
  const clients = [];
  for (let n = 1; n <= devices; n++) {
    const client = new ModbusRTU();
    await client.connectTCP(`127.0.0.${n}`, { port: 1502 });
    client.setID(1);
    clients.push(client);
  }
  let due = Date.now();
  for (;;) {
    const lines = await Promise.all(clients.map(async (client, n) => {
      const { data } = await client.readHoldingRegisters(0, registers);
      const fields = data.map((value, r) => `r${r}=${value}i`).join(",");
      return `d${n + 1} ${fields} ${Date.now()}000000`;
    }));
    await write(lines.join("\n") + "\n").catch(() => {});
    due += 1000;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
  }
}

main();
