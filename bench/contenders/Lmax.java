/* SPDX-License-Identifier: MIT */
/*
 * LMAX's Disruptor 3.4, in a process of its own. Reads courses from standard
 * input, a line each, runs them with real events and answers on standard output
 * with 64-bit words: lmax.c is the other end.
 *
 * One process sees the courses of one scenario, which are all alike, so what the
 * compiler learns in the first runs, which are not answered, is true for the others.
 */
import com.lmax.disruptor.BusySpinWaitStrategy;
import com.lmax.disruptor.EventFactory;
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.ExceptionHandler;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.YieldingWaitStrategy;
import com.lmax.disruptor.dsl.Disruptor;
import com.lmax.disruptor.dsl.ProducerType;
import com.lmax.disruptor.util.DaemonThreadFactory;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;

public final class Lmax {
	static final int RUNS_UNANSWERED = 5;
	static final int CONSUMERS_MAX = 3;
	static final int PRODUCERS_MAX = 128;
	static final int TRIPS_TIMED = 64;
	/* In longs, 128 bytes. */
	static final int LINE = 16;

	/* Only one kind is loaded in a process, so that the compiler knows whose calls these are. */
	abstract static class Event {
		abstract void fill(long tag);

		abstract void copy(Event from);

		abstract long tag();

		abstract long sum();

		long sumWithout(int word)
		{
			throw new UnsupportedOperationException();
		}

		void edit(int word)
		{
			throw new UnsupportedOperationException();
		}
	}

	static final class Event1 extends Event {
		private long a;

		@Override
		void fill(long tag)
		{
			a = tag;
		}

		@Override
		void copy(Event from)
		{
			a = ((Event1) from).a;
		}

		@Override
		long tag()
		{
			return a;
		}

		@Override
		long sum()
		{
			return a;
		}
	}

	static final class Event4 extends Event {
		private long a, b, c, d;

		@Override
		void fill(long tag)
		{
			a = tag;
			b = tag + 1;
			c = tag + 2;
			d = tag + 3;
		}

		@Override
		void copy(Event from)
		{
			Event4 e = (Event4) from;

			a = e.a;
			b = e.b;
			c = e.c;
			d = e.d;
		}

		@Override
		long tag()
		{
			return a;
		}

		@Override
		long sum()
		{
			return a + b + c + d;
		}

		@Override
		long sumWithout(int word)
		{
			return a + d + (word == 1 ? c : b);
		}

		@Override
		void edit(int word)
		{
			if (word == 1)
				b++;
			else
				c++;
		}
	}

	static final class Event7 extends Event {
		private long a, b, c, d, e, f, g;

		@Override
		void fill(long tag)
		{
			a = tag;
			b = tag + 1;
			c = tag + 2;
			d = tag + 3;
			e = tag + 4;
			f = tag + 5;
			g = tag + 6;
		}

		@Override
		void copy(Event from)
		{
			Event7 o = (Event7) from;

			a = o.a;
			b = o.b;
			c = o.c;
			d = o.d;
			e = o.e;
			f = o.f;
			g = o.g;
		}

		@Override
		long tag()
		{
			return a;
		}

		@Override
		long sum()
		{
			return a + b + c + d + e + f + g;
		}
	}

	/* Of any size. A field for each word would be no program: they are in an array of their own. */
	static final class EventN extends Event {
		private final long[] words;

		EventN(int words)
		{
			this.words = new long[words];
		}

		@Override
		void fill(long tag)
		{
			for (int i = 0; i < words.length; i++)
				words[i] = tag + i;
		}

		@Override
		void copy(Event from)
		{
			System.arraycopy(((EventN) from).words, 0, words, 0, words.length);
		}

		@Override
		long tag()
		{
			return words[0];
		}

		@Override
		long sum()
		{
			long sum = 0;

			for (long word : words)
				sum += word;
			return sum;
		}
	}

	/* As struct course in course.h. */
	static final class Course {
		final boolean latency, paced, many, yield;
		final String shape;
		final int words, batch, producers, capacity;
		final long warmup, events, interval;

		Course(String line)
		{
			String[] word = line.split(" ");

			latency = word[0].equals("pingpong");
			paced = word[0].equals("paced");
			shape = word[1];
			words = Integer.parseInt(word[2]);
			batch = Integer.parseInt(word[3]);
			producers = Integer.parseInt(word[4]);
			many = word[5].equals("1");
			capacity = Integer.parseInt(word[6]);
			warmup = Long.parseLong(word[7]);
			events = Long.parseLong(word[8]);
			yield = word[9].equals("1");
			interval = Long.parseLong(word[10]);
		}

		long each()
		{
			return warmup + events;
		}

		EventFactory<Event> factory()
		{
			switch (words) {
			case 1:
				return Event1::new;
			case 4:
				return Event4::new;
			case 7:
				return Event7::new;
			default:
				return () -> new EventN(words);
			}
		}

		Disruptor<Event> disruptor()
		{
			Disruptor<Event> d = new Disruptor<>(
				factory(), capacity, DaemonThreadFactory.INSTANCE,
				many ? ProducerType.MULTI : ProducerType.SINGLE,
				yield ? new YieldingWaitStrategy() : new BusySpinWaitStrategy());

			d.setDefaultExceptionHandler(new Fatal());
			return d;
		}
	}

	static final class Outcome {
		long ns, wrong;
		final long[] sums = new long[CONSUMERS_MAX];
		long[] trips = {}, runs = {};

		void write(DataOutputStream out) throws IOException
		{
			out.writeLong(ns);
			out.writeLong(wrong);
			for (long sum : sums)
				out.writeLong(sum);
			out.writeLong(trips.length);
			for (long trip : trips)
				out.writeLong(trip);
			out.writeLong(runs.length);
			for (long run : runs)
				out.writeLong(run);
			out.flush();
		}
	}

	static final class Fatal implements ExceptionHandler<Event> {
		@Override
		public void handleEventException(Throwable t, long sequence, Event event)
		{
			end(t);
		}

		@Override
		public void handleOnStartException(Throwable t)
		{
			end(t);
		}

		@Override
		public void handleOnShutdownException(Throwable t)
		{
			end(t);
		}
	}

	static void end(Throwable t)
	{
		t.printStackTrace();
		Runtime.getRuntime().halt(1);
	}

	/* A superclass's fields come first: these keep a handler's own away from what lies before it. */
	abstract static class Before {
		long p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15;
	}

	/* What a handler counts, as struct checker in course.h. */
	abstract static class Checker extends Before {
		long left, sum, wrong, ended;
		long[] next = new long[LINE + PRODUCERS_MAX + LINE];
		/* The words that it leaves alone and adds 1 to; -1: none. */
		int skip = -1, edit = -1;
		CountDownLatch done;

		final void check(Event event)
		{
			long tag = event.tag();
			int producer = (int) (tag >>> 48) & PRODUCERS_MAX - 1;

			if (tag != ((long) producer << 48 | next[LINE + producer]))
				wrong++;
			next[LINE + producer]++;
			sum += skip < 0 ? event.sum() : event.sumWithout(skip);
			if (edit >= 0)
				event.edit(edit);
		}
	}

	static final class Reader extends Checker implements EventHandler<Event> {
		long q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15;

		Reader(Course c, CountDownLatch done)
		{
			this.left = c.each() * c.producers;
			this.done = done;
		}

		@Override
		public void onEvent(Event event, long sequence, boolean endOfBatch)
		{
			check(event);
			if (--left == 0) {
				ended = System.nanoTime();
				done.countDown();
			}
		}
	}

	/* As shape_role() in shapes.h. */
	static void connect(Disruptor<Event> d, Reader[] r, String shape)
	{
		switch (shape) {
		case "pipeline":
			r[0].edit = 1;
			r[1].edit = 2;
			d.handleEventsWith(r[0]).then(r[1]).then(r[2]);
			break;
		case "diamond":
			r[0].edit = r[1].skip = 1;
			r[1].edit = r[0].skip = 2;
			d.handleEventsWith(r[0], r[1]).then(r[2]);
			break;
		default:
			d.handleEventsWith(r);
		}
	}

	static void produce(RingBuffer<Event> ring, long tag, long end)
	{
		for (; tag != end; tag++) {
			long sequence = ring.next();

			ring.get(sequence).fill(tag);
			ring.publish(sequence);
		}
	}

	static void produceRuns(RingBuffer<Event> ring, int batch, long tag, long end)
	{
		while (tag != end) {
			int n = (int) Math.min(batch, end - tag);
			long last = ring.next(n), first = last - n + 1;

			for (long sequence = first; sequence <= last; sequence++)
				ring.get(sequence).fill(tag++);
			ring.publish(first, last);
		}
	}

	static void producePart(RingBuffer<Event> ring, Course c, long tag, long end)
	{
		if (c.batch == 1)
			produce(ring, tag, end);
		else
			produceRuns(ring, c.batch, tag, end);
	}

	/* Starts a producer; the nanoTime() at its first event after the warm-up goes to begun[]. */
	static Thread producer(RingBuffer<Event> ring, Course c, int index, CyclicBarrier warm,
			       long[] begun)
	{
		Thread thread = new Thread(() -> {
			long tag = (long) index << 48;

			try {
				producePart(ring, c, tag, tag + c.warmup);
				warm.await();
				begun[index] = System.nanoTime();
				producePart(ring, c, tag + c.warmup, tag + c.each());
			} catch (Exception e) {
				end(e);
			}
		});

		thread.start();
		return thread;
	}

	static void await(CountDownLatch done) throws InterruptedException
	{
		if (!done.await(60, TimeUnit.SECONDS))
			throw new IllegalStateException("events were lost");
	}

	static Outcome stream(Course c) throws InterruptedException
	{
		Reader[] readers = new Reader[c.shape.equals("line") ? 1 : CONSUMERS_MAX];
		CountDownLatch done = new CountDownLatch(readers.length);
		CyclicBarrier warm = new CyclicBarrier(c.producers);
		Thread[] producers = new Thread[c.producers];
		long[] begun = new long[c.producers];
		Disruptor<Event> d = c.disruptor();
		Outcome outcome = new Outcome();

		for (int i = 0; i < readers.length; i++)
			readers[i] = new Reader(c, done);
		connect(d, readers, c.shape);
		RingBuffer<Event> ring = d.start();
		for (int i = 0; i < producers.length; i++)
			producers[i] = producer(ring, c, i, warm, begun);
		for (Thread thread : producers)
			thread.join();
		await(done);
		d.shutdown();
		for (int i = 0; i < readers.length; i++) {
			outcome.sums[i] = readers[i].sum;
			outcome.wrong += readers[i].wrong + Math.abs(readers[i].left);
			for (long begin : begun)
				outcome.ns = Math.max(outcome.ns, readers[i].ended - begin);
		}
		return outcome;
	}

	/* Sends each event back. */
	static final class Server implements EventHandler<Event> {
		RingBuffer<Event> back;

		@Override
		public void onEvent(Event event, long sequence, boolean endOfBatch)
		{
			long reply = back.next();

			back.get(reply).copy(event);
			back.publish(reply);
		}
	}

	/*
	 * Strikes, and keeps the score. The clock is not cheap here, so it is read trip
	 * by trip only in every other run of TRIPS_TIMED, and these are not timed as a whole.
	 */
	static final class Striker extends Checker implements EventHandler<Event> {
		RingBuffer<Event> there;
		final long warmup;
		final long[] trips, runs;
		long struck, count, before, begun;
		int tripped, ran;
		long q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15;

		Striker(Course c, CountDownLatch done)
		{
			int timed = (int) (c.events / TRIPS_TIMED);

			this.left = c.each();
			this.warmup = c.warmup;
			this.done = done;
			trips = new long[(timed + 1) / 2 * TRIPS_TIMED];
			runs = new long[timed / 2];
		}

		@Override
		public void onEvent(Event event, long sequence, boolean endOfBatch)
		{
			/* The first event is only to begin with. */
			if (sequence > 0) {
				check(event);
				count(struck - warmup);
			}
			if (left-- > 0)
				strike();
			else
				done.countDown();
		}

		private void strike()
		{
			long sequence = there.next();

			there.get(sequence).fill(struck++);
			there.publish(sequence);
		}

		/* @trip: how many are over since the warm-up */
		private void count(long trip)
		{
			boolean apart = ((trip - 1) / TRIPS_TIMED & 1) == 0;

			if (trip < 0)
				return;
			if (trip % TRIPS_TIMED != 0 && !apart)
				return;
			long now = System.nanoTime();

			if (trip > 0 && apart && tripped < trips.length)
				trips[tripped++] = now - before;
			else if (trip > 0 && !apart && ran < runs.length)
				runs[ran++] = now - begun;
			if (trip % TRIPS_TIMED == 0)
				begun = now;
			before = now;
		}
	}

	static Outcome pingpong(Course c) throws InterruptedException
	{
		CountDownLatch done = new CountDownLatch(1);
		Striker striker = new Striker(c, done);
		Server server = new Server();
		Disruptor<Event> here = c.disruptor(), there = c.disruptor();
		Outcome outcome = new Outcome();

		here.handleEventsWith(striker);
		there.handleEventsWith(server);
		striker.there = there.getRingBuffer();
		server.back = here.getRingBuffer();
		there.start();
		RingBuffer<Event> ring = here.start();
		ring.publish(ring.next());
		await(done);
		there.shutdown();
		here.shutdown();
		outcome.sums[0] = striker.sum;
		outcome.wrong = striker.wrong;
		outcome.trips = striker.trips;
		outcome.runs = striker.runs;
		return outcome;
	}

	/* As struct schedule in course.h, in ns: when events are due, which follows from their number. */
	static final class Schedule extends Before {
		private final long interval;
		private final int burst;
		private long due;
		private int left;
		long q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15;

		Schedule(Course c, long begin)
		{
			interval = c.interval;
			due = begin;
			burst = left = c.batch;
		}

		long nextBurst()
		{
			long now = due;

			due += interval;
			return now;
		}

		long nextEvent()
		{
			long now = due;

			if (--left == 0) {
				left = burst;
				due += interval;
			}
			return now;
		}
	}

	/* Notes how late each event is when it has read it. */
	static final class LateReader extends Checker implements EventHandler<Event> {
		final Schedule schedule;
		final long[] late;
		long warmup;
		int counted;
		long q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15;

		LateReader(Course c, long begin, CountDownLatch done)
		{
			this.left = c.each();
			this.done = done;
			schedule = new Schedule(c, begin);
			late = new long[(int) c.events];
			warmup = c.warmup;
		}

		@Override
		public void onEvent(Event event, long sequence, boolean endOfBatch)
		{
			check(event);
			long ns = System.nanoTime() - schedule.nextEvent();

			if (warmup > 0)
				warmup--;
			else if (counted < late.length)
				late[counted++] = ns;
			if (--left == 0)
				done.countDown();
		}
	}

	static void producePaced(RingBuffer<Event> ring, Course c, Schedule schedule)
	{
		for (long tag = 0; tag < c.each(); tag += c.batch) {
			long due = schedule.nextBurst();

			while (System.nanoTime() - due < 0) {
				if (c.yield)
					Thread.yield();
				else
					Thread.onSpinWait();
			}
			producePart(ring, c, tag, Math.min(tag + c.batch, c.each()));
		}
	}

	static Outcome paced(Course c) throws InterruptedException
	{
		CountDownLatch done = new CountDownLatch(1);
		Disruptor<Event> d = c.disruptor();
		Outcome outcome = new Outcome();
		/* When all else is there: threads have a millisecond to start, as in threads.c. */
		long begin = System.nanoTime() + 1000 * 1000;
		LateReader reader = new LateReader(c, begin, done);

		d.handleEventsWith(reader);
		RingBuffer<Event> ring = d.start();
		Thread producer = new Thread(() -> producePaced(ring, c, new Schedule(c, begin)));
		producer.start();
		producer.join();
		await(done);
		d.shutdown();
		outcome.sums[0] = reader.sum;
		outcome.wrong = reader.wrong + Math.abs(reader.left);
		outcome.trips = reader.late;
		return outcome;
	}

	static Outcome run(Course c) throws InterruptedException
	{
		/* So that the events are not moved while they are used. */
		System.gc();
		if (c.paced)
			return paced(c);
		return c.latency ? pingpong(c) : stream(c);
	}

	public static void main(String[] arguments)
	{
		BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
		DataOutputStream out = new DataOutputStream(
			new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)));
		boolean warm = false;

		try {
			for (String line; (line = in.readLine()) != null; warm = true) {
				Course c = new Course(line);

				for (int i = 0; !warm && i < RUNS_UNANSWERED; i++)
					run(c);
				run(c).write(out);
			}
		} catch (Exception e) {
			end(e);
		}
	}
}
