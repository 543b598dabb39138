"""What words of queries say about what a photo shows: data of ``concepts``, one language at a time. Pure.

A line of ``ENGLISH`` is words, then what the model names that they stand for, with how surely a photo of that name
shows what the word says, 1 where nothing is given: ``van: truck .4`` says that four in ten photos of a truck, as far as
anybody knows, show a van. A word may stand in several lines; the surest counts. What the models name themselves needs
no line. A line of ``GERMAN`` is words, then one English word or name that means the same.

Words are folded as ``spoken_dates.fold`` does it, nouns in the singular, verbs without an ending; a line that begins
with a space goes on with the one before. The strengths are everyday knowledge of where things stand about, corrected by
nobody's photos but the captions of COCO train2017 (tests/benchmarks/bench_captions.py).
"""

from __future__ import annotations

IDLE = """
against along alone anything apart area beautiful bending black blue bright brown clean closed clear colour color colors
cute dark decorated empty funny giant gold golden gray green grey grown hanging high himself herself holds interesting
item items just leaning left like lone lying messy modern move moving much nearby new nice only opened opening others
paint painted part pieces pink plain pretty purple really red reaching right round same scene shiny
showing side sides silver similar sits some stands style surrounded taking thick thin through tiny
traveling turned type typical wearing weird white wide yellow
a about above across after all also am among an and another any are around as at atop away back background be being
behind below beside between big body both bottom but by can close closeup colored colorful colourful corner couple
covered different do doing down each edge everything few filled five for foreground four from front full get getting
group had has have having he her here hers him his hold holding i image in inside into is it its itself kind large
laden laying lots little long look looking lot made many me middle mine multiple my near next nice no not number object
of off old on one open or other our out outdoors over pair parked part photo photograph picture piece place placed
prepared ready row s sat seen set several she shot show showing shown sit sitting six small some something stand
standing stack such t taken tall that the their them there these they thing things this those three to together top
toward towards two under up upon us use used using various very view walk walking was watching we wearing were what
when where which while who with without you young your
aber alle als am an auf aus bei bild bilder bin bis da das dein dem den der des die dies diese dieser dieses drei durch
ein eine einem einen einer eines er es etwas foto fotos fur gross grosse grosser hat haben hinter ich ihr im in ins ist
kein klein kleine mein meine mit nach neben nicht noch oder ohne paar sehr sein seine sich sie sind sitzt steht uber um
und uns unser unter viele vier vom von vor war was weit wie wir zu zum zur zwei zwischen
"""
"""What is said of any picture, in all languages."""

IDLE_STEMS = """
alt blau braun bunt dunkel einig einzeln gelb gold golden grau grun hell hubsch klein lang leer lila lustig neu nett
offen orangefarben rosa rot rund schon schwarz silbern verschieden voll weiss winzig
"""
"""The same in German, with any ending."""

ENGLISH = """\
people, human, someone, somebody, crowd, adult, pedestrian: person
man, male, guy, gentleman, woman, female, lady: person .9
boy, girl, child, kid: person .7
family, friend, team: person .6
toddler, teenager, grandmother, grandfather: person .4
baby: person .25, cradle .7
rider, passenger, worker, surfer, skier, snowboarder, skateboarder, cyclist, chef, cook, baker, driver, batter, pitcher,
  umpire, catcher, player, athlete: person .6
waiter, vendor, tourist, farmer, fisherman, student, teacher: person .4
musician, singer, dancer, bride, groom, soldier: person .2
face, hair, beard, smile, smiling, selfie, portrait, pose, posing: person .4
bike: bicycle .9, motorcycle .7
cycle, cycling, cyclist, biker, biking, bmx: bicycle .9, motorcycle .5
motorbike, motorcyclist, motorcycling, moped, scooter: motorcycle
plane, jet, aircraft, jetliner, airliner, aeroplane, biplane: airplane
airport, runway, tarmac, flight, flying, landing, takeoff: airplane .8
automobile, vehicle: car
suv, sedan, taxi, cab, van, minivan: car .9, taxi, truck .4
vehicle, traffic: bus .9, truck .9, train .5, motorcycle .6, car
lorry, van, pickup, trailer: truck
firetruck: truck
subway, locomotive, railway, railroad, tram, trolley, metro, rail: train, tram
station, platform, track, tracks: train .7, station .8
ship, sailboat, yacht, canoe, kayak, ferry, raft, rowboat, vessel, dinghy, gondola: boat
harbor, harbour, marina, dock, pier: boat .7, harbour
sail, sailing: boat .8, sailboat
stoplight: traffic light
intersection, crosswalk, crossing: traffic light .7, stop sign .4, street .4
sign: stop sign .8, sign .8, parking meter .2
hydrant: fire hydrant
meter: parking meter
street, road: car .5, bus .6, traffic light .8, truck .5, stop sign .6, parking meter .6, street .8, motorcycle .4,
  bicycle .3, fire hydrant .4, taxi .6
city, urban, downtown, town: bus .6, traffic light .7, car .4, street .6, parking meter .4, taxi .6
sidewalk, curb, pavement: parking meter .6, fire hydrant .6, street .4, bicycle .3, car .3, bench .3
parked, parking: car .6, parking meter .9, motorcycle .5, bicycle .4, truck .5, bus .4
drive, driving: car .7, bus .7, truck .7
park: bench .6, frisbee .4, kite .4, skateboard .3, park .6
puppy, hound, canine, doggy, terrier: dog
kitten, kitty, feline: cat
calf, bull, cattle, ox: cow
lamb, ram, ewe: sheep
pony, foal, mare, stallion, equestrian, horseback: horse
cub: bear .8
panda: bear .8, panda
duck, seagull, gull, pigeon, parrot, eagle, owl, goose, geese, swan, chicken, rooster: bird .5
penguin, ostrich, flamingo, peacock, pelican, hummingbird: bird .2
animal: bird .7, cat .6, dog .7, horse .9, sheep, cow, elephant, bear, zebra, giraffe, monkey, lion, tiger, fox,
  deer
pet: dog .8, cat .8
wildlife, safari: elephant, zebra, giraffe, lion, leopard
zoo, enclosure: bear .8, elephant .8, zebra .8, giraffe .9, polar bear .9
herd: sheep .8, cow .8, elephant .8, zebra .8, giraffe .6, horse .6
flock: sheep .8, bird .8
graze, grazing, pasture, meadow: sheep .8, cow .8, horse .7, zebra .8, giraffe .3
farm: cow .8, sheep .7, horse .5, barn, farm
grass, grassy: sheep .6, cow .6, zebra .6, horse .5, giraffe .5, elephant .4, kite .4, frisbee .5, baseball bat .3,
  fire hydrant .3, sports ball .3
field: sheep .5, cow .5, zebra .6, horse .5, giraffe .4, elephant .4, kite .5, frisbee .5, baseball bat .7, baseball
  glove .7, sports ball .5, baseball .7
hay, stable, barn: horse .5, cow .5, barn
trunk, tusk: elephant
stripe, striped: zebra
tree, forest, wood: giraffe .5, elephant .3, bench .2, bear .2, bird .2, monkey .3
branch, perched: bird .9
fence: sheep .4, horse .4, cow .4, giraffe .4, zebra .3, fence
rock: bear .4, mountain .3, cliff .6, polar bear .5
rucksack, bag: backpack .9, handbag .8, suitcase .5
purse: handbag, bag
luggage, baggage, trunk: suitcase
parasol: umbrella
rain, rainy: umbrella .7
necktie: tie
suit: tie .8, suit
disc: frisbee
ski: skis, ski
skier, skiing, slope: skis, ski, snowboard .5, snow .5
snowboarder, snowboarding: snowboard, ski .4
snow, snowy: skis .8, snowboard .8, ski, snow
winter: skis .7, snowboard .7, snow
mountain, hill: skis .5, snowboard .5, mountain, ski .5
ball: sports ball, baseball .6, tennis .6, soccer, basketball, football
soccer, football: sports ball .7, soccer, football
baseball: baseball bat, baseball glove, baseball, sports ball .4
bat, batter, swinging: baseball bat, baseball .5
pitcher, pitch, mound, throwing: baseball .9, baseball glove .6, baseball bat .2
catcher, umpire: baseball .8, baseball glove .6, baseball bat .6
mitt, glove: baseball glove .9
game, player, match: baseball bat .7, baseball glove .7, tennis racket .7, sports ball .7, baseball, tennis, soccer,
  football, basketball, frisbee .4, remote .3
uniform: baseball .5, baseball bat .4, tie .2
skateboarder, skateboarding, skate, skater, skatepark, ramp, trick: skateboard
jump, jumping: skateboard .6, snowboard .4, skis .3, frisbee .4
surfer, surfing, surf, wave: surfboard
paddle: surfboard .6, boat .6
ocean, sea: surfboard .9, boat .6, beach .8, water .8, kite .2
water: surfboard .8, boat .8, beach .6, lake, water
beach, shore, sand, sandy, coast: surfboard .7, kite .4, beach, umbrella .2, boat .4
wetsuit: surfboard
lake, river: boat .8, lake .9, water .7
fishing: boat .6
fly: kite .8, airplane .8, bird .4
sky: kite .8, airplane .8
racquet, racket, tennis, court, serve: tennis racket, tennis
swing: baseball bat .6, tennis racket .6
umpire: baseball bat
beer: bottle .5, beer, cup .3
wine: wine glass, wine, bottle .5
glass: wine glass .9, cup .7, vase .3
drink, beverage: cup .8, wine glass .8, bottle .7, beer, coffee .6
mug: cup
coffee, tea: cup .9, coffee, tea .7
cutlery, silverware, utensil: fork, knife, spoon
bouquet: vase, flower
flower: vase .8, potted plant .6, flower
plant: potted plant, vase .3
houseplant, pot: potted plant .8
dish, plate: bowl .5, fork .5, pizza .4, cake .4, sandwich .5, dining table .4, plate, knife .4, broccoli .4, carrot
  .4, spoon .3, hot dog .4, meat .6
soup, noodle, pasta: bowl .7, soup, pasta
food, meal, lunch, dinner, breakfast, dish, snack, cuisine: pizza .8, sandwich .8, bowl .5, cake .6, hot dog .8,
  broccoli .8, carrot .7, donut .6, dining table .4, fork .5, spoon .5, knife .4, banana .4, orange .4, apple .4,
  food, plate, restaurant .4, wine glass .2
eat, eating: pizza .7, sandwich .7, cake .6, hot dog .8, donut .6, fork .6, bowl .4, banana .4, food .7, spoon .4
fruit: banana, apple, orange, fruit
vegetable, veggie: broccoli, carrot, vegetable
salad: broccoli .6, bowl .4, carrot .5
meat, chicken, beef, sausage: hot dog .4, sandwich .4, meat, pizza .2, broccoli .2
sauce, cheese: pizza .7, pasta .7, sandwich .4, food .3
burger, hamburger, bread, bun, toast: sandwich .8, hot dog .4, burger, bread
hotdog: hot dog
pie, pepperoni, slice, crust: pizza .9, cake .3
doughnut, pastry: donut, bakery .7, bread .5
dessert, sweet: cake .9, donut .8, dessert
pastry, bakery: cake .5, donut .7, bakery
cupcake, birthday, frosting, cream, chocolate: cake .9, dessert .7
bunch, pile: banana .4, orange .4, apple .3, broccoli .2, carrot .2, fruit .5
produce, market, grocery: banana .6, apple .6, orange .6, carrot .4, broccoli .4, market
kitchen: oven .9, microwave .9, refrigerator .8, sink .5, toaster .9, kitchen, stove, bowl .3, bottle .1
stove, stovetop, burner: oven .9, stove
cabinet, counter, countertop: oven .6, microwave .6, refrigerator .5, sink .5, kitchen .6
cook, cooking: oven .8, microwave .4, kitchen .6, bowl .2, pizza .3
appliance: oven, microwave, refrigerator, toaster
fridge, freezer: refrigerator
bathroom, restroom, washroom: toilet, sink .6, bathroom, toothbrush .6, hair drier .6
shower, bathtub, tub, bath: toilet .6, bathroom .7, sink .3
mirror: sink .6, toilet .4, hair drier .5, toothbrush .4, bathroom .5
toothpaste: toothbrush
lavatory, commode, urinal, seat: toilet
tile, tiled: toilet .5, bathroom .5, sink .3
faucet, basin: sink
bedroom: bed, bedroom
sleep, sleeping, asleep: bed .7, couch .4, cat .3, dog .3
pillow, blanket, sheet, mattress, bunk: bed, couch .4, bedroom
lay, laying, lying: bed .7, couch .5, dog .4, cat .5
cozy, unmade: bed .7
sofa, settee, loveseat, armchair: couch
livingroom, lounge: couch, living room
living: couch .8, tv .6, living room, chair .3
room: couch .5, tv .5, bed .5, chair .4, dining table .3, living room .7, potted plant .3, refrigerator .1, toilet
  .3
rug, carpet, fireplace: couch .6, living room .6
lamp: couch .4, bed .4, lamp
furniture: couch, chair .8, bed .7, dining table .7
seat, seating, stool, armchair: chair .9, couch .5, bench .6
table: dining table, chair .3, wine glass .4, cup .3, fork .4, bowl .3, pizza .4, cake .3, laptop .3, vase .4
dining: dining table, wine glass .5, fork .4, restaurant .7
restaurant, cafe, bar, diner: dining table .7, wine glass .7, cup .4, restaurant
tablecloth, napkin: dining table .7, fork .6, wine glass .6
desk: laptop .9, keyboard .9, mouse .8, tv .5, desk, book .2
computer, pc: laptop, keyboard .9, mouse .8, tv .5, computer
office, cubicle, workstation: laptop .7, keyboard .7, mouse .7, office
notebook, macbook: laptop .9
monitor, screen, display: tv .9, laptop .6, computer .7
television: tv
phone, telephone, mobile, smartphone, cellphone, iphone, handset: cell phone
text, texting, call: cell phone .8
controller, wii, video, nintendo: remote
gaming: remote .8, tv .4
read, reading, novel: book .9
bookshelf, shelf, library: book .8, library
studying: book .6, laptop .4
watch, time: clock .8, watch
tower, church, building, steeple: clock .6, church, castle .5, tower
wall: clock .2, wall .6
building: clock .4, bus .3, truck .3, traffic light .3, church .5
shear: scissors
cut, cutting: scissors .9, knife .9, cake .4, pizza .3
plush, stuffed: teddy bear .9
teddy: teddy bear
toy, doll: teddy bear .8, toy
blow, dryer, hairdryer: hair drier
brush, brushing: toothbrush
platter, tray: pizza .4, cake .3, sandwich .3, hot dog .3, donut .3, tray, plate .6
wooden: bench .3, dining table .2, chair .2
helmet: motorcycle .7, bicycle .4, baseball bat .5, helmet, skis .3
ride, riding: horse .8, motorcycle .8, bicycle .7, skateboard .7, surfboard .8, snowboard .6, elephant .4, bus .2,
  train .2, boat .2
race, racing: motorcycle .8, horse .5, bicycle .6, racing, skis .5
wheel: motorcycle .5, bicycle .6, car .5, truck .4
camera, tripod: camera, tripod
photographer, photography: camera
shop, store, storefront: shop, market
display: donut .5, cake .4, market .4, banana .3, shop .4
container, box: banana .1, carrot .3, donut .3, broccoli .2, suitcase .2
pole, post: stop sign .5, traffic light .6, sign .5, parking meter .4
light: traffic light .7, lamp .5
outside, outdoor: bench .3, giraffe .4, zebra .4, elephant .3, fire hydrant .3
polar: polar bear
seaside, seashore: beach
skyline: tower .4, boat .3
towel, soap: bathroom, sink .5, toilet .4
luggage, travel: suitcase
tennis: tennis racket, tennis
serve: tennis racket .8
brick: street .2, fire hydrant .2, oven .2
wedding: wedding, cake .4, tie .4, suit
stuffed animal, stuffed bear, stuffed toy, soft toy: teddy bear, toy .5
stop light, traffic signal: traffic light
street sign, road sign: sign, stop sign .7
living room: living room, couch .8, tv .6, chair .3
dining room: dining table, chair .5
remote control, video game, game controller: remote
mobile phone, smart phone: cell phone
polar bear: polar bear, bear .9
ice cream: ice cream, dessert .5
teddy: teddy bear
fire truck, fire engine: truck .8
tennis court, tennis player, tennis ball: tennis racket, tennis
baseball player, baseball game, baseball field: baseball, baseball bat .9, baseball glove .9
skate park: skateboard
ski slope, ski lift: ski, skis, snow .8
train station: train .8, station
hot air balloon: balloon
water front, body of water: water, boat .6, lake .8, beach .6
close up: plate .1
stuffed: teddy bear
church, cathedral, chapel: church, tower .4
building, architecture: church .5, castle .5, tower .5, house .6, traffic light .3, clock .3, bus .2
harbour, harbor, marina, port: harbour, boat .7
canal: boat .7
waterfall: water .4
sunset, sunrise: beach .3, lake .3
night: street .1
concert: stage, guitar .7, microphone .7, drum .7
band, musician, music, instrument: guitar, violin, piano, drum, flute, trumpet, microphone .6, stage .5
museum: statue .5
palace, fortress: castle
hiking, trail: mountain .6, backpack .5, valley .6
camping, campsite: tent
fortress, ruins: castle .6, ruin
religion, cathedral: church, altar, mosque .7, temple .7
doctor, hospital, nurse: medicine
police officer, cop: police
firefighter, fireman: firefighter, truck .4
exercise, workout, fitness: gym
pool: swimming .8, water .4
swim, swimmer, swimsuit, bikini: swimming, water .4
diver, dive, snorkeling: diving, underwater
fish, aquarium: fish, underwater .6, shark .6, whale .3
reptile: snake, lizard, turtle, crocodile
bug, insect: insect, bee, butterfly, spider .5
moth: butterfly .7
hen, rooster, poultry: chicken, bird .6
seabird: bird .9
primate, ape, gorilla, chimpanzee: monkey
wolves: wolf
rodent, mouse: squirrel .6, hamster .8
bunny, hare: rabbit
piglet, boar, hog: pig
tractor, plow: tractor
receipt, invoice, letter, paper, paperwork: document
screenshot: screenshot
passport: document .5
garden, gardening: garden, flower .4, potted plant .4
rose, tulip, sunflower, daisy, blossom: flower, vase .5, potted plant .3
halloween: pumpkin
gift, present: christmas .5
jewellery, jewelry, ring, necklace: jewelry
sneaker, boot, sandal, footwear: shoe
cap, sombrero: hat
clothing, clothes, fashion: dress .6, suit .6, shoe .4, hat .4, tie .4
sunglass, glasses, goggles: sunglasses
bar, pub: bar, beer .7, wine glass .5, bottle .4
cappuccino, latte, espresso: coffee, cup .8
spaghetti, lasagna: pasta, bowl .4
steak, meatloaf: meat
grape, berry, pear, peach, cherry: fruit .6
citrus, lime: lemon, orange .7
tomato, cucumber, pepper, cabbage: vegetable .7
onion, garlic: vegetable .5
fries, potato: potato, food .4
doorway, entrance: door
curtain, blind: curtain, window .6
barber, salon: scissors .6
sewing, fabric, craft: scissors .5
space, astronaut: rocket
cricket: baseball bat .3
computer keyboard: keyboard
bathroom sink: sink, bathroom .7, toilet .3
beagle, labrador, retriever, poodle, bulldog, dachshund, husky, shepherd, collie, corgi, chihuahua, pug, rottweiler,
  spaniel, setter, boxer, dalmatian, schnauzer, mastiff, dane, pup, pooch: dog
tabby, persian, siamese, kittens: cat
leash, collar, bark, barking, paw, muzzle: dog .8, cat .2
purring, whisker, meow: cat .9
sparrow, robin, finch, crow, raven, magpie, heron, stork, crane, hawk, falcon, vulture, turkey, canary, parakeet,
  cockatoo, macaw, budgie, woodpecker, kingfisher, feather, beak, wing, nest: bird .7
wing: airplane .4
mammal, creature, beast: dog .5, cat .5, horse .5, sheep .5, cow .5, elephant .6, bear .6, zebra .6, giraffe .6
livestock: cow, sheep, pig .8, goat .8, horse .6
donkey, mule: horse .6
buffalo, bison: cow .7
antelope, gazelle, moose, elk, reindeer: deer
dinosaur: lizard .3
hoof, mane, saddle, bridle, jockey, stallion: horse .9
cowboy: horse .6, hat .4
barefoot, topless, shirtless: person .4
somebody, humanity, anyone, couple of people, group of people, folk, guest, visitor, customer, shopper, commuter,
  spectator, audience, onlooker, bystander, coworker, colleague, classmate, neighbor: person .8
mother, father, mom, mum, dad, son, daughter, brother, sister, husband, wife, uncle, aunt, cousin, teen, youngster,
  toddler, grandma, grandpa, parent, sibling, twin: person .6
newborn, infant, nursery, stroller: cradle .7, person .25
teenager, youth: person .5
shirt, jacket, coat, vest, sweater, hoodie, blouse, outfit, costume: person .3, shirt
jeans, pants, trousers, shorts, skirt: jeans, person .3
apron: apron
sock, stocking: sock, shoe .5
uniform: uniform
soldier, army, military, marine, troop: uniform, person .3, weapon .4
hand, finger, arm, leg, foot, feet, head, shoulder, lap, eye, mouth, nose, ear: person .3
couch potato: couch
sedan, limousine, limo, convertible, jeep, wagon, coupe, hatchback, roadster, racecar: car
highway, motorway, freeway, avenue, lane, alley, roadway, driveway, boulevard: car .6, street .7, truck .5, bus .4,
  traffic light .5, motorcycle .3
gas station, petrol station, filling station: gas station, car .4
parking lot, car park, garage: car .8, truck .4, parking meter .4
traffic jam, rush hour: car .9, bus .7, truck .7, traffic light .5
bus stop, bus station: bus .9, bench .4
cart, carriage, wagon: horse .5
school bus: school bus, bus
coach, minibus, shuttle: bus .8
semi, tanker, dumpster: truck .7
forklift, bulldozer, excavator: truck .5, tractor .6
ambulance: ambulance, truck .3
railcar, carriage, engine, caboose, freight, rail, rails, railroad track, train track: train
aerial: airplane .3
helicopter, glider, propeller, cockpit, fuselage, hangar, airshow, aviation: airplane .7
pilot: airplane .5
cruise, cruise ship, ocean liner, barge, tugboat, catamaran, speedboat, fishing boat, paddleboat, lifeboat, motorboat:
  boat, ship .8
oar, rowing, row boat, anchor, mast: boat .9
jet ski: boat .6, surfboard .4
paddleboard, paddle board, surf board, boogie board, wakeboard: surfboard
skiing trip, ski trip, ski resort, ski area, ski vacation, sled, sledding, sleigh, toboggan: skis .8, snow .8, ski .8,
  snowboard .4
ice, icy, frost, frosty, frozen, snowfall, blizzard, snowman: snow, skis .5, ski .6, snowboard .5
glacier, alps, peak, summit, cliffs, ridge, mountainside, hillside, mountaintop: mountain, cliff .6, skis .4, ski .4
climbing, climber: mountain .6, cliff .6
desert, dune: valley .4, camel .6
island, tropical, vacation, holiday, lagoon, bay, cove: beach, boat .5, water .6, umbrella .2, surfboard .4
sunbathing, sunbathe, seashell, palm, tide: beach .9, surfboard .4
pond, creek, stream, riverbank, lakeside, lakeshore: lake, water, boat .5
yard, backyard, lawn, terrace, patio, porch, deck, balcony: garden .6, patio, bench .3, potted plant .4, chair .3
bush, hedge, shrub, vine, leaf, foliage: potted plant .4, tree, garden .5
wood, woods, woodland, jungle, rainforest: bear .3, bird .3, giraffe .3, elephant .2
log, trunk: tree .3
orchid, lily, petal, bloom, bud, dandelion, poppy, floral: flower, vase .5, potted plant .4
cactus, fern, ivy, planter, flowerpot, flower pot: potted plant .9
playground: playground, bench .2
carousel, merry go round: carousel
competition, tournament, championship, referee, coach: sports ball .3, baseball .3, tennis racket .3, soccer .3
sport, athlete, athletic, stadium, arena: sports ball .6,
  baseball bat .5, tennis racket .5, baseball .6, skis .3, surfboard .3, soccer .6, football .6
goal, goalkeeper, goalie: soccer, sports ball .6
basketball, dunk, hoop: basketball, sports ball .7
volleyball: volleyball, sports ball .8
golf, golfer: golf, sports ball .4
hockey: hockey, skis .2
table tennis, ping pong: table tennis, tennis racket .3
badminton, squash: tennis racket .8
softball: baseball, baseball glove .8, baseball bat .8
baseball bat: baseball bat
home plate, home run, little league, infield, outfield, dugout, inning: baseball .9, baseball bat .9, baseball glove .8
halfpipe, half pipe, grind, ollie: skateboard
longboard: skateboard, surfboard .5
stunt, midair, mid air: skateboard .7, snowboard .4, motorcycle .3
cyclist, bike ride, bike rack, mountain bike, road bike, racing bike: bicycle
biker, harley, chopper: motorcycle
vespa: motorcycle
billiards, pool table, snooker: billiards
puzzle, jigsaw: puzzle
toss, catch, throw: frisbee .7, sports ball .5, baseball glove .5
chew, bite, taste, munch, snack, feast, buffet, banquet, picnic, dining, appetizer, entree, recipe, leftovers: pizza .5,
  sandwich .6, cake .4, hot dog .5, donut .4, dining table .5, food, plate
chinese food, takeout, stir fry, rice, curry, sushi, stew: bowl .7, broccoli .5, carrot .4, food, soup .6
noodle, ramen, macaroni, pasta: bowl .6, pasta
egg, bacon, ham, toast, cereal, pancake, waffle, omelette: sandwich .4, food .7, plate .6, bowl .3
fried, grilled, roasted, baked, barbecue, grill, bbq: meat, food .6, hot dog .4
fish dish, seafood, shrimp, salmon: food .6, plate .4
cookie, biscuit, brownie, muffin, croissant, bagel, pretzel, bakery, dough, baking, bake: donut .5, cake .5, bread .8,
  bakery, pizza .2
bread, loaf, baguette, bun, roll: bread
pastry, pastries: bakery, donut .8, bread .7, cake .4
baker: bakery .6, oven .5, bread .5
sprinkle, glaze, glazed, icing: donut, cake .8
candle: candle, cake .4
birthday party, birthday cake: cake, candle .6
apple pie, pie: cake .7, pizza .7
juice, soda, milk, lemonade, smoothie, cola, coke: bottle .6, cup .7, wine glass .3
cocktail, champagne, whiskey, vodka, liquor, alcohol, toast: wine glass .8, bottle .8, wine .7, beer .5
jar, can, container, pitcher, jug, flask, thermos: bottle .6, pot .5, cup .3
kettle, teapot, pan, skillet, frying pan, saucepan, wok: oven .6, kitchen, pot .6, stove .8
chopsticks, chopstick: bowl .6
slicing, chopping, chop, peel, blade: knife .8
mushroom, pineapple, lemon: fruit .2
cauliflower, celery, lettuce, spinach, pea, greens, zucchini, eggplant: vegetable, broccoli .6, carrot .3
orchard, vineyard: fruit .6, tree .5
tangerine, mandarin, clementine, grapefruit: orange
stall, vendor, stand: market, banana .4, orange .4
bathroom, outhouse, latrine, bidet, plumbing: toilet
toilet paper, toilet seat, toilet bowl: toilet
shaving, shave, toiletries: sink .6, toothbrush .5, bathroom
dentist, teeth, tooth: toothbrush .8
laundry, washing machine, washer: washing machine
headboard, bedding, bedspread, comforter, quilt, bunk bed, crib, hotel room, hotel, nap, napping, resting, nightstand:
  bed, bedroom
recliner, ottoman, cushion, futon: couch, chair .5
den, lounge, family room, sitting room, waiting room: couch .9, living room, tv .5, chair .4
coffee table, end table, side table: couch .8, living room, dining table .3
interior, indoor, indoors, home, apartment, house: couch .4, bed .3, chair .3, tv .3, dining table .3, kitchen .2
closet, wardrobe, dresser, drawer, cupboard: wardrobe, bed .3, kitchen .3
dinner table, dining area, dinning room, kitchen table: dining table, chair .6
appliances: oven, microwave, refrigerator
kitchenette, pantry, chef: kitchen, oven .8, refrigerator .6, microwave .6
fridge: refrigerator
trash, garbage, waste, bin, rubbish: trash
workspace, work station, home office: laptop .8, keyboard .9, mouse .8, desk, computer
electronics, device, gadget, technology: laptop, cell phone, keyboard .7, tv .6, remote .6, mouse .5, computer
earbuds, headphone, earphone, headset, mp3 player, ipod: laptop .3, cell phone .5
charger, cable, cord: laptop .3, cell phone .4
typing, internet, website, email: laptop .8, keyboard .8
movie, film, watching tv, flat screen: tv
game console, console, playstation, xbox, playing video: remote, tv .5
magazine, newspaper, textbook, literature, library: book .9
homework, classroom, school, university, lecture: book .5, desk .6, laptop .3, chair .3
clock face, clock tower, roman numeral, dial: clock
alarm clock, wall clock: clock
steeple, spire, brick building, cathedral: clock .4, church, tower
vase of flowers, floral arrangement, flower arrangement, centerpiece: vase, flower
craft, scissor, snip, haircut: scissors
stuffed bear, stuffed animals, plushie, cuddly toy, stuffed dog: teddy bear
lego, figurine, action figure, playing with toys: toy
groceries, shopping, mall, supermarket: shop, market, handbag .4, shopping cart
purse, wallet, clutch, tote: handbag
luggage, trip, journey, traveler: suitcase, backpack .5
rain, rainy, drizzle, storm, wet, puddle, raincoat: umbrella .6
shade, sunshade, parasol: umbrella
formal, groom, businessman, business man, tuxedo, executive: tie, suit
warning sign, road sign, traffic sign: sign, stop sign .8
stop: stop sign .8
advertisement, billboard, poster, banner, graffiti: sign .6
flag: flag
bucket: bucket
mailbox, post box, letterbox: mailbox
vending machine: vending machine
cash machine, atm: cash machine
gown, fashion show: dress
makeup, lipstick, cosmetics: makeup
northern lights, aurora, aurora borealis, ferris wheel, big wheel, space ship, spaceship, ballet, ballet dancer,
  ultrasound, x ray, shooting star, light show, milky way, solar eclipse, water slide, paper plane, boat race,
  steering wheel, potters wheel, christmas market, chess board, board game, card game, table of contents,
  roller coaster, moon landing, tooth fairy, dragon fly, eiffel tower, statue of liberty, big ben, taj mahal,
  great wall, piano lesson, driving lesson, job interview, car insurance, insurance policy, user manual, bus ticket,
  train ticket, plane ticket, boarding pass, bank statement, tax return, quarterly report: -
wedding dress, bridal gown: wedding, dress .4
u boat, uboat: submarine
insurance, contract, manual, report, bill, certificate, form: document .6
wheelchair: chair .4
light bulb: lamp .6
water bottle: bottle
wine bottle, beer bottle: bottle, wine .5
birthday card, greeting card, business card, playing cards, credit card, id card, licence, license: document .5
traffic cone, fire station, fire department: truck .4
bird cage, birdcage: bird .8
dog house, dog park, dog show: dog
cat litter, cat tree: cat
horse race, horse riding, horse show: horse
teddy: teddy bear
black and white photo, black and white picture, black and white image, in black and white, monochrome, grayscale,
  greyscale: black and white
black and white: black and white .6
"""

GERMAN = """\
mann, manner, frau, frauen, junge, jungen, madchen, kind, kinder, baby, leute, mensch, menschen, familie, paar: man
freund, freunde, freundin, freunde, gruppe: friend
gesicht, portrat, lacheln, selfie: face
rad, fahrrad, radfahrer, radfahren: bike
motorroller, roller, moped, mofa: motorbike
flieger, flughafen, start, landung: airport
wagen, pkw, taxi, fahrzeug: automobile
verkehr: traffic
laster, lieferwagen, transporter: lorry
feuerwehr, feuerwehrauto: fire truck
eisenbahn, bahn, lokomotive, lok, u-bahn, strassenbahn, tram: locomotive
bahnhof, gleis, gleise, bahnsteig: station
schiff, segelboot, kanu, kajak, fahre, jacht, segelschiff: ship
hafen, steg: harbour
segeln: sailing
strasse, kreuzung: street
stadt, innenstadt: city
gehweg, burgersteig, gehsteig: sidewalk
schild, verkehrsschild, strassenschild: sign
park: park
welpe: puppy
katzchen, kater: kitten
kalb, stier, rind, rinder: cattle
lamm: lamb
pony, fohlen, reiter, reiten: pony
ente, mowe, taube, papagei, eule, gans, schwan: duck
tier, tiere: animal
haustier, haustiere: pet
zoo, tierpark, gehege: zoo
herde: herd
wiese, weide, gras: grass
feld, acker: field
bauernhof, hof, scheune, stall: farm
wald, baum, baume: forest
ast, zweig: branch
zaun: fence
felsen, fels, stein, steine: rock
tasche: bag
gepack: luggage
regen: rain
anzug: suit
schnee: snow
winter: winter
berg, berge, gebirge, hugel: mountain
piste, abfahrt, skifahren, skifahrer, skilaufer: slope
fussball: soccer
spieler, spiel: player
springen, sprung: jump
surfen, surfer, welle, wellen: surf
meer, see, ozean: ocean
wasser, fluss, ufer: water
strand, kuste, sand: beach
angeln: fishing
himmel: sky
tennis, schlager: tennis
bier: beer
wein: wine
glas, glaser: glass
getrank, getranke: drink
kaffee, becher: coffee
tee: tea
besteck: cutlery
blume, blumen, strauss, blumenstrauss: flower
rose, rosen, tulpe, tulpen, sonnenblume: rose
pflanze, pflanzen: plant
teller: plate
suppe, nudeln, nudel: soup
essen, mahlzeit, mittagessen, abendessen, fruhstuck, speise, gericht: food
obst, frucht, fruchte: fruit
gemuse: vegetable
salat: salad
fleisch, wurst: meat
kase, sosse: cheese
brot, brotchen: bread
nachtisch, dessert, geback: dessert
geburtstagskuchen, torte: frosting
markt, laden, geschaft, supermarkt: shop
kuche, kochen: kitchen
herd: stove
badezimmer, bad, dusche, badewanne: bathroom
spiegel: mirror
schlafzimmer: bedroom
schlafen, schlaf: sleep
kissen, decke: pillow
wohnzimmer: living room
zimmer, raum: room
teppich, kamin: rug
lampe: lamp
mobel: furniture
sessel, sitz, hocker: seat
tisch, tische: table
restaurant, kneipe, gaststatte, cafe: restaurant
schreibtisch: desk
computer, rechner, bildschirm, monitor: computer
buro: office
bibliothek, regal: library
turm, gebaude, haus: building
kirche, dom, kathedrale: church
burg, schloss, festung: castle
brucke: bridge
moschee: mosque
tempel: temple
ruine, ruinen: ruins
brunnen: fountain
statue, denkmal: statue
leuchtturm: lighthouse
zelt, zelten: tent
stofftier, kuscheltier, pluschtier: plush
spielzeug, puppe: toy
kamera, fotoapparat: camera
stativ: tripod
konzert, buhne: concert
gitarre: guitar
geige: violin
klavier: piano
trommel, schlagzeug: drum
musik: music
hut, mutze: hat
schuh, schuhe: shoe
brille, sonnenbrille: sunglasses
kleid: dress
hochzeit, braut: wedding
weihnachten: christmas
weihnachtsbaum: christmas
garten: garden
schwimmbad, pool, schwimmen: pool
tauchen, taucher: diver
fisch, fische: fish
schmetterling: butterfly
biene: bee
spinne: spider
schlange: snake
schildkrote: turtle
frosch: frog
hase, kaninchen: rabbit
eichhornchen: squirrel
schwein, schweine: pig
ziege: goat
hirsch, reh: deer
lowe: lion
affe, affen: monkey
wal: whale
pinguin: penguin
huhn, hahn: chicken
eisbar: polar bear
fuchs: fox
pilz, pilze: mushroom
erdbeere: strawberry
zitrone: lemon
kurbis: pumpkin
kerze, kerzen: candle
traktor: tractor
vulkan: volcano
klippe: cliff
tal: valley
wandern, wanderung: hiking
dokument, brief, rechnung: document
bildschirmfoto: screenshot
hunderasse, dackel, labrador, schaferhund, pudel, mops: dog
mieze: cat
spatz, amsel, rabe, krahe, storch, reiher, falke, adler, specht, meise, schnabel, feder, nest: sparrow
esel: donkey
buffel: buffalo
nutztier, vieh: livestock
saugetier: mammal
mutter, vater, mama, papa, sohn, tochter, bruder, schwester, oma, opa, tante, onkel, eltern, grosseltern, zwilling,
  sauglings, saugling, jugendliche, jugendlicher: mother
gast, gaste, besucher, zuschauer, publikum, kunde, kunden, passant, passanten, kollege, kollegen, nachbar, menge,
  menschenmenge, fussganger, erwachsene: guest
arbeiter, fahrer, koch, backer, sportler, fahrgast: worker
kellner, verkaufer, bauer, lehrer, student, schuler, fischer: waiter
sanger, tanzer, tanzerin, musiker, soldat, brautigam: musician
hand, hande, finger, arm, bein, fuss, kopf, auge, augen, mund, nase, ohr, ruckenansicht: hand
bart, haar, haare: beard
jacke, mantel, hemd, pullover, weste, bluse, kostum, tshirt: jacket
hose, jeans, rock: pants
schurze: apron
socke, socken, strumpf: sock
uniform: uniform
helm, helme: helmet
handschuh, handschuhe: glove
autobahn, landstrasse, allee, gasse: highway
tankstelle: gas station
parkplatz, garage, parkhaus, tiefgarage: parking lot
stau: traffic jam
haltestelle, bushaltestelle: bus stop
kutsche, karren: cart
reisebus, kleinbus: coach
pickup, kleinlaster, sattelzug, muttwagen, mullwagen, laster: lorry
bagger, gabelstapler: forklift
krankenwagen: ambulance
schiene, schienen, waggon, abteil: rail
hubschrauber, propeller: helicopter
kreuzfahrt, kreuzfahrtschiff, dampfer, schlauchboot, motorboot, fischerboot, ruderboot: barge
ruder, rudern, anker, mast: oar
paddel, paddeln: paddle
schlitten, rodeln, skiurlaub, skigebiet: sled
eis, frost, glatteis, schneemann: ice
gletscher, gipfel, alpen, berggipfel: glacier
klettern, kletterer: climbing
wuste, dune: desert
insel, urlaub, ferien, bucht: island
palme, palmen, muschel, sonnenbad: palm
teich, bach, weiher: pond
rasen, terrasse, balkon, veranda, hof: yard
busch, hecke, strauch, blatt, blatter, laub: bush
beet, blumenbeet: flower
lilie, orchidee, bluten, blute, ganseblumchen, mohn, bluhen: lily
kaktus, farn, zimmerpflanze, blumentopf, ubertopf: cactus
spielplatz: playground
karussell: carousel
sport, wettkampf, turnier, stadion: sport
tor, torwart: goal
basketball: basketball
volleyball: volleyball
golf, golfspieler: golf
eishockey, hockey: hockey
tischtennis: table tennis
federball: badminton
baseball: baseball
baseballschlager: baseball bat
skateboarder, skater: skateboarder
snowboarder, snowboarden: snowboarder
werfen, wirft, fangen, fangt: toss
kauen, kaut, beissen, isst, essend, picknick, buffet, festessen: snack
reis, curry, eintopf: rice
ei, eier, speck, schinken, musli, pfannkuchen, waffel: egg
grillen, gegrillt, grill, gebraten: grill
meeresfruchte, garnele, lachs: seafood
keks, kekse, platzchen, muffin, brezel, teig, backen: cookie
backerei, gebackstuck, teilchen: bakery
saft, limo, limonade, milch, cola: juice
cocktail, sekt, champagner, schnaps, alkohol: cocktail
dose, kanne, krug, glasflasche: jar
kessel, pfanne, topf, teekanne: kettle
stabchen: chopsticks
kochen, koch, kochin: cook
schneiden, schneidet: cut
salat: lettuce
blumenkohl, sellerie, spinat, erbse, gurke, zucchini, kohl: cauliflower
tomate, tomaten, paprika, gurken: tomato
zwiebel, knoblauch: onion
kartoffel, kartoffeln, pommes: fries
birne, birnen, pfirsich, kirsche, kirschen, traube, trauben, beere, beeren, pflaume: pear
ananas: pineapple
mandarine, mandarinen, apfelsine, apfelsinen: tangerine
stand, bude, verkaufsstand: stall
klo, wc, pissoir, toilettenpapier: lavatory
zahne, zahn, zahnpasta: toothpaste
waschmaschine, wasche: laundry
bettwasche, matratze, hotel, hotelzimmer, nickerchen, bettdecke: bedding
hochbett, etagenbett: bunk bed
liegen, liegt, liegend: lying
couch, polster: couch
esszimmer, essecke, essbereich: dining room
couchtisch: coffee table
wohnung, zuhause, innen: home
schrank, kleiderschrank, kommode, schublade: closet
gerat, gerate, elektronik, technik: electronics
kopfhorer: headphone
kabel, ladegerat: cable
tippen, internet: typing
film, kino: movie
konsole, spielkonsole, videospiel: game console
zeitung, zeitschrift, heft: magazine
lesen, liest, lesend: read
schule, klassenzimmer, unterricht: school
wecker, wanduhr, zifferblatt, uhrzeit: alarm clock
basteln, handarbeit, stoff: craft
lego, figur: lego
einkaufen, einkauf, kaufhaus: shopping
geldborse, geldbeutel: purse
reise, reisen, reisender: trip
regnen, regnet, regnerisch, nass, nasse, pfutze, gewitter: rainy
sonnenschirm: parasol
plakat, werbung, graffiti, banner: poster
fahne, flagge: flag
eimer: bucket
briefkasten: mailbox
mulltonne, mulleimer, mull: trash
automat: vending machine
geldautomat: cash machine
schminke, lippenstift: makeup
nordlicht, nordlichter, polarlicht, polarlichter: northern lights
riesenrad: ferris wheel
raumschiff: spaceship
ultraschall, ultraschallbild: ultrasound
rontgenbild: x ray
sternschnuppe: shooting star
milchstrasse: milky way
sonnenfinsternis: solar eclipse
papierflieger: paper plane
wasserrutsche: water slide
weihnachtsmarkt: christmas market
schach, schachbrett: chess board
brettspiel: board game
kartenspiel: card game
fahrkarte: train ticket
bordkarte: boarding pass
kontoauszug: bank statement
brautkleid, hochzeitskleid: wedding dress
u boot: submarine
achterbahn: roller coaster
mondlandung: moon landing
eiffelturm: eiffel tower
freiheitsstatue: statue of liberty
versicherung, vertrag, anleitung, gebrauchsanweisung, bericht, urkunde, zeugnis, formular: contract
klavierunterricht, klavierstunde: piano lesson
fahrstunde: driving lesson
steuererklarung: tax return
quartalsbericht: quarterly report
ballett, balletttanzer, balletttanzerin: ballet
rollstuhl: wheelchair
ausweis, fuhrerschein, kreditkarte, visitenkarte: id card
reiten, reitet, fahren, fahrt: riding
springt, springend, hupft: jump
schlagt, schlagen, schwingt: swinging
fliegen, fliegt: flying
grast, weiden, grasen: graze
parkuhr, parkuhren: meter
hydrant, hydranten: hydrant
stoppschild, stoppschilder: stop sign
skateboard, skateboards: skateboard
frisbee: frisbee
brokkoli: broccoli
donut, donuts, krapfen: doughnut
sandwich, sandwiches, butterbrot: sandwich
hotdog: hotdog
burger, hamburger: burger
mikrowelle: microwave
toaster: toaster
maus: mouse
fernbedienung: remote
schere, scheren: scissors
teddy, teddybar, stoffhund: teddy bear
fohn, haartrockner: hair drier
zahnburste, zahnbursten: toothbrush
weinglas: wine glass
schwarzweiss, schwarzweissfoto, schwarzweissbild, schwarz weiss foto, schwarz weiss bild, schwarz weiss,
  in schwarz weiss, schwarzweissaufnahme: monochrome
"""
