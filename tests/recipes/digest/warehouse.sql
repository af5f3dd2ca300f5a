CREATE TABLE orders (id INTEGER, customer VARCHAR, placed_on DATE, amount DECIMAL(10, 2));
INSERT INTO orders
SELECT i, 'u' || (i % 40 + 1), DATE '2026-11-27' + CAST(i % 2 AS INTEGER), 5 + i / 4
FROM range(1, 301) AS numbers (i);
