// SPDX-License-Identifier: ISC
// A quickstart for the tests, and requests to it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const PASSWORD = "tide-orbit-lamp-42";

/**
 * Let ${server} listen on a loopback port below those that the kernel gives to
 * clients.
 */
export async function listen(server) {
	for (;;) {
		const port = 10000 + Math.floor(Math.random() * 22000);

		try {
			server.listen(port, "127.0.0.1");
			await once(server, "listening");
			return port;
		} catch (error) {
			if (error.code !== "EADDRINUSE")
				throw error;
		}
	}
}

async function freePort() {
	const server = createServer();
	const port = await listen(server);

	server.close();
	await once(server, "close");
	return port;
}

export class Site {
	/** Start one with these lines of configuration and these issuers. */
	static async start(lines, issuers) {
		const site = new Site();

		site.folder = mkdtempSync(join(tmpdir(), "latchkey-"));
		site.issuers = join(site.folder, "issuers");
		writeFileSync(site.issuers, issuers, { mode: 0o600 });
		site.configure(lines);
		await site.run();
		return site;
	}

	configure(lines) {
		writeFileSync(join(this.folder, "latchkey.conf"),
			[...lines, `LATCHKEY_ISSUERS_FILE = ${this.issuers}`,
				"LATCHKEY_LIMIT_REGISTER = 100000/60",
				"LATCHKEY_LIMIT_DEFAULT = 100000/60", ""]
				.join("\n"));
	}

	async run() {
		const port = await freePort();
		const said = [];

		this.url = `http://127.0.0.1:${port}`;
		this.process = spawn(join(checkout, "deploy/quickstart"),
			["--no-install", "--port", port, "--state", this.folder],
			{ stdio: ["ignore", "pipe", "pipe"] });
		this.ended = once(this.process, "exit");
		this.process.stderr.on("data", (data) => said.push(data));
		for await (const line of
			createInterface({ input: this.process.stdout })) {
			said.push(line);
			if (line.startsWith("Latchkey is ready"))
				return;
		}
		throw new Error("it did not start:\n" + said.join("\n"));
	}

	/** Make it read its configuration again. */
	reload() {
		const file = join(this.folder, "latchkey.pid");

		process.kill(Number(readFileSync(file, "utf8")), "SIGHUP");
	}

	/** Run a command of the command line on it. */
	async command(...argv) {
		const child = spawn(join(this.folder, "latchkey"), argv,
			{ stdio: "inherit" });
		const [status] = await once(child, "exit");

		if (status !== 0)
			throw new Error(`${argv.join(" ")}: status ${status}`);
	}

	async stop() {
		this.process.kill("SIGTERM");
		await this.ended;
		rmSync(this.folder, { recursive: true });
	}

	async post(path, body) {
		const answer = await fetch(this.url + path, {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify(body),
		});

		return answer.json();
	}

	/** The login answer of a new account. */
	register() {
		return this.post("/api/v1/auth/register", { name: "Ada",
			email: `p${Date.now()}@example.org`, password: PASSWORD });
	}

	/** A new access token of this session. */
	async token(session_id) {
		const answer = await this.post("/api/v1/auth/validate-session",
			{ session_id });

		return answer.access_token;
	}

	/** GET /auth/me with the token: status and answer. */
	async me(token) {
		const answer = await fetch(this.url + "/api/v1/auth/me",
			{ headers: { Authorization: `Bearer ${token}` } });

		return { status: answer.status, ...await answer.json() };
	}
}

/** Repeat ask() until good() accepts its result; returns the result. */
export async function until(ask, good) {
	for (let tries = 0; tries < 300; tries++) {
		const got = await ask();

		if (good(got))
			return got;
		await new Promise((resolve) => { setTimeout(resolve, 100); });
	}
	throw new Error("the expected result did not come within 30 s");
}
